// Tells ThreadSanitizer what it cannot see of the runtime's libraries, which are not built for it:
// who takes and gives a contended mutex, and that a task has noticed its resumption.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define SWIFT_ASYNC __attribute__((swiftasynccall))
#define CONTEXT __attribute__((swift_context))
#define ASYNC_CONTEXT __attribute__((swift_async_context))

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// ThreadSanitizer's own, in the program it is linked into.
extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

static void *next(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

SWIFT void lock_slow(uint32_t thread, CONTEXT void *mutex) __asm__(LOCK_SLOW);
SWIFT void lock_slow(uint32_t thread, CONTEXT void *mutex) {
  static SWIFT void (*runtime)(uint32_t, CONTEXT void *);
  if (runtime == NULL) *(void **)&runtime = next(LOCK_SLOW);
  runtime(thread, mutex);
  if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT void unlock_slow(CONTEXT void *mutex) __asm__(UNLOCK_SLOW);
SWIFT void unlock_slow(CONTEXT void *mutex) {
  static SWIFT void (*runtime)(CONTEXT void *);
  if (runtime == NULL) *(void **)&runtime = next(UNLOCK_SLOW);
  if (__tsan_release) __tsan_release(mutex);
  runtime(mutex);
}

// The runtime says that a continuation is resumed; that its task goes on it says only where the
// task was enqueued, not where it was resumed before it had come to await: then it goes on at once.

struct continuation;
typedef SWIFT_ASYNC void resumption(struct continuation *ASYNC_CONTEXT);

// The head of what the compiler lays out in the frame of a function that waits.
struct continuation {
  void *parent;
  resumption *resume_parent;
  uintptr_t flags;
};

// The runtime is to look whether the task must go elsewhere, and may enqueue it.
static const uintptr_t switch_forced = 1 << 3;

extern SWIFT void *swift_task_getCurrent(void) __attribute__((weak));

// Where the task that this thread is letting await would go on.
static __thread resumption *next_resumption;

static SWIFT_ASYNC void resumed_before(struct continuation *continuation ASYNC_CONTEXT) {
  if (__tsan_acquire) __tsan_acquire(swift_task_getCurrent());
  continuation->resume_parent = next_resumption;
  __attribute__((musttail)) return next_resumption(continuation);
}

// A task that is enqueued goes on where its own record says, not where its frame does: only one
// that goes on at once, on this thread, passes through `resumed_before`.
SWIFT_ASYNC void swift_continuation_await(struct continuation *continuation) {
  static SWIFT_ASYNC void (*runtime)(struct continuation *);
  if (runtime == NULL) *(void **)&runtime = next("swift_continuation_await");
  if (!(continuation->flags & switch_forced)) {
    next_resumption = continuation->resume_parent;
    continuation->resume_parent = resumed_before;
  }
  __attribute__((musttail)) return runtime(continuation);
}
