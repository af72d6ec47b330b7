// Tells ThreadSanitizer of the two halves of Synchronization.Mutex that it cannot see: the runtime's
// library, which takes and gives a contended mutex through the kernel, is not built for it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define CONTEXT __attribute__((swift_context))

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
