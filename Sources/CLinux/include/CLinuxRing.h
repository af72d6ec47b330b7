/// io_uring without liburing: a ring of requests to the kernel, one of their completions, and a ring
/// of buffers that the kernel takes from when it has received something.
///
/// One thread owns a ring: the one that enables it. Only `clinux_buffers_...` may be called from
/// others, and `clinux_buffers_give` by one at a time. What points into memory shared with the
/// kernel stays inside; a place in it is masked before it is used.
#ifndef SWIFT_SOCKETS_CLINUX_RING_H
#define SWIFT_SOCKETS_CLINUX_RING_H

#include <stddef.h>
#include <stdint.h>

struct clinux_ring;
struct clinux_buffers;

/// What has become of a request.
struct clinux_completion {
  uint64_t token;
  /// What the system call would have answered, or a negated errno.
  int32_t result;
  /// The buffer that was filled; meaningful with CLINUX_RING_HAS_BUFFER.
  uint16_t buffer;
  uint16_t flags;
};

enum {
  CLINUX_RING_HAS_BUFFER = 1,
  /// More completions of this request follow.
  CLINUX_RING_HAS_MORE = 2,
};

/// io_uring_setup, disabled until its thread enables it; and a look at whether the kernel has all
/// that is asked of it here (6.1). NULL with errno: ENOSYS or EPERM where io_uring is forbidden,
/// EINVAL or EOPNOTSUPP where it is too old.
struct clinux_ring *clinux_ring_open(unsigned submissions, unsigned completions);
/// Cancels what is under way.
void clinux_ring_close(struct clinux_ring *ring);
/// IORING_REGISTER_ENABLE_RINGS: the calling thread owns the ring from now on.
int clinux_ring_enable(struct clinux_ring *ring);

/// Requests, made known to the kernel by the next clinux_ring_enter. Each answers whether there was
/// room for it.

/// Receives again and again, to buffers of `group`.
int clinux_ring_receive(struct clinux_ring *ring, int descriptor, uint16_t group, uint64_t token);
/// Tells of readiness, as poll(2) does, once or each time.
int clinux_ring_poll(
    struct clinux_ring *ring, int descriptor, uint32_t mask, int again, uint64_t token);
/// Has the request of `token` complete with ECANCELED, unless it has completed.
int clinux_ring_cancel(struct clinux_ring *ring, uint64_t token);

/// Whether clinux_ring_enter has something to do besides waiting.
int clinux_ring_is_due(const struct clinux_ring *ring);
/// How many requests the kernel has not taken yet.
unsigned clinux_ring_pending(const struct clinux_ring *ring);
/// io_uring_enter: hands all requests over, then waits for `minimum` completions, for up to
/// `timeout` nanoseconds, negative for any time. 0 also where the time was over or a signal came.
int clinux_ring_enter(struct clinux_ring *ring, unsigned minimum, int64_t timeout);
/// Takes the next completion. Answers whether there was one.
int clinux_ring_next(struct clinux_ring *ring, struct clinux_completion *completion);

/// Makes `count` buffers, a power of two up to 32768, of `size` bytes, and gives all of them to the
/// ring as its group `group`. They must go after the ring.
struct clinux_buffers *clinux_buffers_open(
    struct clinux_ring *ring, uint16_t group, unsigned count, unsigned size);
void clinux_buffers_close(struct clinux_buffers *buffers);
const uint8_t *clinux_buffers_bytes(const struct clinux_buffers *buffers, uint16_t number);
/// Gives a buffer back to the kernel.
void clinux_buffers_give(struct clinux_buffers *buffers, uint16_t number);

#endif
