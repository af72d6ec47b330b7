#define _GNU_SOURCE
#include "CLinuxRing.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel's interface, spelled out: the headers of older systems do not know all of it, and what
// the kernel at hand knows is found out when it runs.

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#define SYS_io_uring_register 427
#endif

enum {
  setup_completion_size = 1 << 3, setup_disabled = 1 << 6, setup_submit_all = 1 << 7,
  setup_taskrun_flag = 1 << 9, setup_single_issuer = 1 << 12, setup_defer_taskrun = 1 << 13,

  feature_single_map = 1 << 0, feature_no_drop = 1 << 1, feature_extended_argument = 1 << 8,

  enter_get_events = 1 << 0, enter_extended_argument = 1 << 3,

  register_probe = 8, register_enable = 12, register_buffers = 22,

  submission_overflow = 1 << 1, submission_taskrun = 1 << 2,

  flag_buffer_select = 1 << 5, flag_skip_success = 1 << 6,
  completion_buffer = 1 << 0, completion_more = 1 << 1,

  operation_poll = 6, operation_cancel = 14, operation_receive = 27,
  receive_multishot = 1 << 1, poll_multishot = 1 << 0,
  probe_supported = 1 << 0, probe_count = 64,
};

struct submission {
  uint8_t operation, flags;
  uint16_t priority;
  int32_t descriptor;
  uint64_t offset, address;
  uint32_t length, operation_flags;
  uint64_t token;
  uint16_t buffer_group, personality;
  int32_t file_index;
  uint64_t address3, padding;
};
_Static_assert(sizeof(struct submission) == 64, "the kernel's layout");

struct completion {
  uint64_t token;
  int32_t result;
  uint32_t flags;
};
_Static_assert(sizeof(struct completion) == 16, "the kernel's layout");

struct submission_offsets {
  uint32_t head, tail, mask, entries, flags, dropped, array, reserved;
  uint64_t address;
};

struct completion_offsets {
  uint32_t head, tail, mask, entries, overflow, entry, flags, reserved;
  uint64_t address;
};

struct parameters {
  uint32_t submissions, completions, flags, thread, idle, features, workers, reserved[3];
  struct submission_offsets submission;
  struct completion_offsets completion;
};
_Static_assert(sizeof(struct parameters) == 120, "the kernel's layout");

struct buffer_entry {
  uint64_t address;
  uint32_t length;
  uint16_t number;
  /// In the first entry, the ring's tail.
  uint16_t tail;
};
_Static_assert(sizeof(struct buffer_entry) == 16, "the kernel's layout");

struct clinux_ring {
  int descriptor;
  char *rings;
  size_t rings_size;
  struct submission *submissions;
  size_t submissions_size;
  uint32_t *submission_head, *submission_tail, *submission_flags;
  uint32_t submission_mask, submission_count;
  /// The tail as far as requests were written; the kernel's lags behind until it is entered.
  uint32_t written;
  uint32_t *completion_head, *completion_tail;
  uint32_t completion_mask;
  struct completion *completions;
};

static uint32_t acquire(const uint32_t *place) { return __atomic_load_n(place, __ATOMIC_ACQUIRE); }
static void release(uint32_t *place, uint32_t value) {
  __atomic_store_n(place, value, __ATOMIC_RELEASE);
}

static long enroll(int ring, unsigned what, const void *argument, unsigned count) {
  return syscall(SYS_io_uring_register, ring, what, argument, count);
}

// Whether the kernel knows all operations that are used here.
static int knows_operations(int ring) {
  struct {
    uint8_t last, count;
    uint16_t reserved;
    uint32_t reserved2[3];
    struct {
      uint8_t operation, reserved;
      uint16_t flags;
      uint32_t reserved2;
    } entries[probe_count];
  } probe;
  memset(&probe, 0, sizeof probe);
  if (enroll(ring, register_probe, &probe, probe_count) != 0) return 0;
  static const uint8_t used[] = {operation_poll, operation_cancel, operation_receive};
  for (size_t index = 0; index < sizeof used; index++) {
    if (used[index] > probe.last || !(probe.entries[used[index]].flags & probe_supported)) return 0;
  }
  return 1;
}

static int map(struct clinux_ring *ring, const struct parameters *parameters) {
  const struct submission_offsets *in = &parameters->submission;
  const struct completion_offsets *out = &parameters->completion;
  size_t in_size = in->array + parameters->submissions * sizeof(uint32_t);
  size_t out_size = out->entry + parameters->completions * sizeof(struct completion);
  ring->rings_size = in_size > out_size ? in_size : out_size;
  int access = PROT_READ | PROT_WRITE, kind = MAP_SHARED | MAP_POPULATE;
  ring->rings = mmap(NULL, ring->rings_size, access, kind, ring->descriptor, 0);
  if (ring->rings == MAP_FAILED) return -1;
  ring->submissions_size = parameters->submissions * sizeof(struct submission);
  ring->submissions =
      mmap(NULL, ring->submissions_size, access, kind, ring->descriptor, 0x10000000);
  if (ring->submissions == MAP_FAILED) return -1;
  ring->submission_head = (uint32_t *)(ring->rings + in->head);
  ring->submission_tail = (uint32_t *)(ring->rings + in->tail);
  ring->submission_flags = (uint32_t *)(ring->rings + in->flags);
  ring->submission_mask = *(uint32_t *)(ring->rings + in->mask);
  ring->submission_count = parameters->submissions;
  ring->completion_head = (uint32_t *)(ring->rings + out->head);
  ring->completion_tail = (uint32_t *)(ring->rings + out->tail);
  ring->completion_mask = *(uint32_t *)(ring->rings + out->mask);
  ring->completions = (struct completion *)(ring->rings + out->entry);
  uint32_t *array = (uint32_t *)(ring->rings + in->array);
  for (uint32_t index = 0; index < parameters->submissions; index++) array[index] = index;
  return 0;
}

struct clinux_ring *clinux_ring_open(unsigned submissions, unsigned completions) {
  struct clinux_ring *ring = calloc(1, sizeof *ring);
  if (ring == NULL) return NULL;
  ring->rings = MAP_FAILED;
  ring->submissions = MAP_FAILED;
  struct parameters parameters;
  memset(&parameters, 0, sizeof parameters);
  parameters.completions = completions;
  parameters.flags = setup_completion_size | setup_disabled | setup_submit_all
      | setup_taskrun_flag | setup_single_issuer | setup_defer_taskrun;
  ring->descriptor = (int)syscall(SYS_io_uring_setup, submissions, &parameters);
  if (ring->descriptor >= 0) {
    uint32_t needed = feature_single_map | feature_no_drop | feature_extended_argument;
    if ((parameters.features & needed) == needed && knows_operations(ring->descriptor)) {
      if (map(ring, &parameters) == 0) return ring;
    } else {
      errno = EOPNOTSUPP;
    }
  }
  int reason = errno;
  clinux_ring_close(ring);
  errno = reason;
  return NULL;
}

void clinux_ring_close(struct clinux_ring *ring) {
  if (ring->submissions != MAP_FAILED) munmap(ring->submissions, ring->submissions_size);
  if (ring->rings != MAP_FAILED) munmap(ring->rings, ring->rings_size);
  if (ring->descriptor >= 0) close(ring->descriptor);
  free(ring);
}

int clinux_ring_enable(struct clinux_ring *ring) {
  return (int)enroll(ring->descriptor, register_enable, NULL, 0);
}

// MARK: Requests

static struct submission *next_request(
    struct clinux_ring *ring, uint8_t operation, int descriptor, uint64_t token) {
  if (clinux_ring_pending(ring) >= ring->submission_count) return NULL;
  struct submission *request = &ring->submissions[ring->written++ & ring->submission_mask];
  memset(request, 0, sizeof *request);
  request->operation = operation;
  request->descriptor = descriptor;
  request->token = token;
  return request;
}

int clinux_ring_receive(struct clinux_ring *ring, int descriptor, uint16_t group, uint64_t token) {
  struct submission *request = next_request(ring, operation_receive, descriptor, token);
  if (request == NULL) return 0;
  request->flags = flag_buffer_select;
  request->priority = receive_multishot;
  request->buffer_group = group;
  return 1;
}

int clinux_ring_poll(
    struct clinux_ring *ring, int descriptor, uint32_t mask, int again, uint64_t token) {
  struct submission *request = next_request(ring, operation_poll, descriptor, token);
  if (request == NULL) return 0;
  request->length = again ? poll_multishot : 0;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  mask = mask << 16 | mask >> 16;
#endif
  request->operation_flags = mask;
  return 1;
}

int clinux_ring_cancel(struct clinux_ring *ring, uint64_t token) {
  struct submission *request = next_request(ring, operation_cancel, -1, 0);
  if (request == NULL) return 0;
  request->flags = flag_skip_success;
  request->address = token;
  return 1;
}

// MARK: Turns

unsigned clinux_ring_pending(const struct clinux_ring *ring) {
  return ring->written - acquire(ring->submission_head);
}

int clinux_ring_is_due(const struct clinux_ring *ring) {
  return clinux_ring_pending(ring) > 0
      || (acquire(ring->submission_flags) & (submission_overflow | submission_taskrun)) != 0
      || acquire(ring->completion_tail) != *ring->completion_head;
}

int clinux_ring_enter(struct clinux_ring *ring, unsigned minimum, int64_t timeout) {
  struct { int64_t seconds, nanoseconds; } limit = {timeout / 1000000000, timeout % 1000000000};
  struct { uint64_t signals; uint32_t signals_size, minimum_wait; uint64_t limit; } argument;
  memset(&argument, 0, sizeof argument);
  if (timeout >= 0) argument.limit = (uint64_t)(uintptr_t)&limit;
  release(ring->submission_tail, ring->written);
  long result = syscall(
      SYS_io_uring_enter, ring->descriptor, clinux_ring_pending(ring), minimum,
      enter_get_events | enter_extended_argument, &argument, sizeof argument);
  if (result >= 0) return 0;
  // Of these the next time is told, once the completions that are there were taken.
  return errno == ETIME || errno == EINTR || errno == EAGAIN || errno == EBUSY ? 0 : -1;
}

int clinux_ring_next(struct clinux_ring *ring, struct clinux_completion *completion) {
  uint32_t head = *ring->completion_head;
  if (head == acquire(ring->completion_tail)) return 0;
  const struct completion *entry = &ring->completions[head & ring->completion_mask];
  completion->token = entry->token;
  completion->result = entry->result;
  completion->buffer = (uint16_t)(entry->flags >> 16);
  completion->flags = (entry->flags & completion_buffer ? CLINUX_RING_HAS_BUFFER : 0)
      | (entry->flags & completion_more ? CLINUX_RING_HAS_MORE : 0);
  release(ring->completion_head, head + 1);
  return 1;
}

// MARK: Buffers

struct clinux_buffers {
  struct buffer_entry *entries;
  size_t entries_size;
  uint8_t *bytes;
  size_t bytes_size;
  unsigned count, size;
};

struct clinux_buffers *clinux_buffers_open(
    struct clinux_ring *ring, uint16_t group, unsigned count, unsigned size) {
  struct clinux_buffers *buffers = calloc(1, sizeof *buffers);
  if (buffers == NULL) return NULL;
  buffers->count = count;
  buffers->size = size;
  buffers->entries_size = count * sizeof(struct buffer_entry);
  buffers->bytes_size = (size_t)count * size;
  int access = PROT_READ | PROT_WRITE, kind = MAP_PRIVATE | MAP_ANONYMOUS;
  buffers->entries = mmap(NULL, buffers->entries_size, access, kind, -1, 0);
  buffers->bytes = mmap(NULL, buffers->bytes_size, access, kind, -1, 0);
  if (buffers->entries != MAP_FAILED && buffers->bytes != MAP_FAILED) {
    struct {
      uint64_t address;
      uint32_t count;
      uint16_t group, flags;
      uint64_t reserved[3];
    } request = {(uint64_t)(uintptr_t)buffers->entries, count, group, 0, {0}};
    for (unsigned number = 0; number < count; number++)
      clinux_buffers_give(buffers, (uint16_t)number);
    if (enroll(ring->descriptor, register_buffers, &request, 1) == 0) return buffers;
  }
  int reason = errno;
  clinux_buffers_close(buffers);
  errno = reason;
  return NULL;
}

void clinux_buffers_close(struct clinux_buffers *buffers) {
  if (buffers->entries != MAP_FAILED) munmap(buffers->entries, buffers->entries_size);
  if (buffers->bytes != MAP_FAILED) munmap(buffers->bytes, buffers->bytes_size);
  free(buffers);
}

const uint8_t *clinux_buffers_bytes(const struct clinux_buffers *buffers, uint16_t number) {
  return buffers->bytes + (size_t)(number & (buffers->count - 1)) * buffers->size;
}

void clinux_buffers_give(struct clinux_buffers *buffers, uint16_t number) {
  uint16_t tail = buffers->entries[0].tail;
  struct buffer_entry *entry = &buffers->entries[tail & (buffers->count - 1)];
  entry->address = (uint64_t)(uintptr_t)clinux_buffers_bytes(buffers, number);
  entry->length = buffers->size;
  entry->number = number;
  __atomic_store_n(&buffers->entries[0].tail, (uint16_t)(tail + 1), __ATOMIC_RELEASE);
}
