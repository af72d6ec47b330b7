/// The parts of Linux that Swift cannot import by itself: variadic calls, constants behind casts,
/// structures with unions, and headers the `Glibc` module leaves out.
///
/// Nothing here keeps state. Every function answers what the system call it is named after
/// answers, with `errno` set the same way. This header includes neither <sys/socket.h> nor anything
/// under _GNU_SOURCE: both change how Swift sees the C library's own declarations.
#ifndef SWIFT_SOCKETS_CLINUX_H
#define SWIFT_SOCKETS_CLINUX_H

#include "CLinuxLocal.h"
#include "CLinuxNames.h"
#include "CLinuxRaw.h"
#include "CLinuxRing.h"
#include "CLinuxSockets.h"

#include <stddef.h>
#include <stdint.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/uio.h>

/// The header in front of every packet of a TUN or TAP queue opened with IFF_VNET_HDR and header
/// size 12, in the machine's own byte order (`struct virtio_net_hdr_v1` without its union).
struct clinux_virtio_header {
  uint8_t flags;
  uint8_t segmentation;
  uint16_t header_length;
  uint16_t segment_size;
  uint16_t checksum_start;
  uint16_t checksum_offset;
  uint16_t buffer_count;
};

enum {
  CLINUX_VIRTIO_NEEDS_CHECKSUM = 1,
  CLINUX_VIRTIO_DATA_VALID = 2,

  CLINUX_VIRTIO_SEGMENT_NONE = 0,
  CLINUX_VIRTIO_SEGMENT_TCP4 = 1,
  CLINUX_VIRTIO_SEGMENT_TCP6 = 4,
  CLINUX_VIRTIO_SEGMENT_UDP = 5,
  CLINUX_VIRTIO_SEGMENT_ECN = 0x80,

  CLINUX_TUN = 0x0001,
  CLINUX_TAP = 0x0002,
  CLINUX_MULTI_QUEUE = 0x0100,
  CLINUX_NO_PACKET_INFORMATION = 0x1000,
  CLINUX_VIRTIO_HEADER = 0x4000,

  CLINUX_OFFLOAD_CHECKSUM = 0x01,
  CLINUX_OFFLOAD_TCP4 = 0x02,
  CLINUX_OFFLOAD_TCP6 = 0x04,
  CLINUX_OFFLOAD_TCP_ECN = 0x08,
  CLINUX_OFFLOAD_UDP4 = 0x20,
  CLINUX_OFFLOAD_UDP6 = 0x40,
};

/// Room for an interface name and its terminating zero.
#define CLINUX_NAME_SIZE 16

/// `struct epoll_event` with its union read as a number.
struct clinux_event {
  uint32_t mask;
  uint64_t token;
#if defined(__x86_64__)
} __attribute__((packed));
#else
};
#endif

/// TUNSETIFF: makes `descriptor` a queue of the device called `name`, creating it where it does not
/// stand. `name` may be a pattern such as "sock%d"; the device's own name comes back in it.
int clinux_tunnel_attach(int descriptor, char name[CLINUX_NAME_SIZE], uint16_t flags);
/// TUNSETVNETHDRSZ.
int clinux_tunnel_set_header_size(int descriptor, int size);
/// TUNSETOFFLOAD.
int clinux_tunnel_set_offload(int descriptor, unsigned int features);

/// socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), bound to an address of its own.
int clinux_netlink_open(void);

/// PR_SET_NAME for the calling thread; the kernel keeps the first 15 bytes.
void clinux_name_thread(const char *name);

/// The calling thread, as `pthread_self` names it.
///
/// That one is declared as having one answer for good, and a compiler keeps the answer where it
/// can. A Swift task that waits goes on elsewhere: it must ask again.
uintptr_t clinux_current_thread(void);

/// readv and writev, without the C library's preparations for a thread that may be cancelled: no
/// thread of ours is.
ssize_t clinux_read_vector(int descriptor, const struct iovec *vectors, int count);
ssize_t clinux_write_vector(int descriptor, const struct iovec *vectors, int count);

/// epoll_ctl.
int clinux_epoll_control(
    int poller, int operation, int descriptor, uint32_t mask, uint64_t token);
/// epoll_pwait2 with a timeout in nanoseconds, negative for none. Where the kernel lacks it (before
/// 5.11) epoll_wait with the timeout rounded up to milliseconds.
int clinux_epoll_wait(int poller, struct clinux_event *events, int capacity, int64_t timeout);

/// Sleeps while `*gate` is zero, until `deadline`, in nanoseconds of the monotonic clock; a
/// negative one is none, and then handlers with SA_RESTART do not end it. -1 with ETIMEDOUT after
/// the deadline, with EINTR when a signal was handled.
int clinux_gate_wait(uint32_t *gate, int64_t deadline);
/// Sets `*gate` and wakes who sleeps at it.
void clinux_gate_open(uint32_t *gate);
/// Sets `*gate` to zero.
void clinux_gate_close(uint32_t *gate);

#endif
