#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct clinux_virtio_header) == 12, "the header size set on every queue");
_Static_assert(sizeof(struct clinux_event) == sizeof(struct epoll_event), "epoll's layout");
_Static_assert(
    offsetof(struct clinux_event, token) == offsetof(struct epoll_event, data), "epoll's layout");
_Static_assert(CLINUX_NAME_SIZE == IFNAMSIZ, "an interface name's room");
_Static_assert(CLINUX_TUN == IFF_TUN && CLINUX_TAP == IFF_TAP, "device kinds");
_Static_assert(CLINUX_MULTI_QUEUE == IFF_MULTI_QUEUE, "device flag");
_Static_assert(CLINUX_NO_PACKET_INFORMATION == IFF_NO_PI, "device flag");
_Static_assert(CLINUX_VIRTIO_HEADER == IFF_VNET_HDR, "device flag");
_Static_assert(CLINUX_OFFLOAD_CHECKSUM == TUN_F_CSUM, "offload feature");
_Static_assert(CLINUX_OFFLOAD_TCP4 == TUN_F_TSO4, "offload feature");
_Static_assert(CLINUX_OFFLOAD_TCP6 == TUN_F_TSO6, "offload feature");
_Static_assert(CLINUX_OFFLOAD_TCP_ECN == TUN_F_TSO_ECN, "offload feature");

int clinux_tunnel_attach(int descriptor, char name[CLINUX_NAME_SIZE], uint16_t flags) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = (short)flags;
  int result = ioctl(descriptor, TUNSETIFF, &request);
  if (result == 0) memcpy(name, request.ifr_name, IFNAMSIZ);
  name[IFNAMSIZ - 1] = 0;
  return result;
}

int clinux_tunnel_set_header_size(int descriptor, int size) {
  return ioctl(descriptor, TUNSETVNETHDRSZ, &size);
}

int clinux_tunnel_set_offload(int descriptor, unsigned int features) {
  return ioctl(descriptor, TUNSETOFFLOAD, (unsigned long)features);
}

int clinux_netlink_open(void) {
  int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (descriptor < 0) return -1;
  struct sockaddr_nl address;
  memset(&address, 0, sizeof address);
  address.nl_family = AF_NETLINK;
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
  int reason = errno;
  close(descriptor);
  errno = reason;
  return -1;
}

int clinux_epoll_control(
    int poller, int operation, int descriptor, uint32_t mask, uint64_t token) {
  struct epoll_event event = {.events = mask, .data.u64 = token};
  return epoll_ctl(poller, operation, descriptor, &event);
}

int clinux_epoll_wait(int poller, struct clinux_event *events, int capacity, int64_t timeout) {
#ifdef SYS_epoll_pwait2
  // The system call's own layout, 64 bits wide on every architecture.
  struct { int64_t seconds, nanoseconds; } limit = {timeout / 1000000000, timeout % 1000000000};
  long result = syscall(
      SYS_epoll_pwait2, poller, events, capacity, timeout < 0 ? NULL : &limit, NULL, (size_t)8);
  if (result >= 0 || errno != ENOSYS) return (int)result;
#endif
  int64_t milliseconds = timeout < 0 ? -1 : timeout / 1000000 + (timeout % 1000000 != 0);
  if (milliseconds > INT_MAX) milliseconds = INT_MAX;
  return epoll_wait(poller, (struct epoll_event *)events, capacity, (int)milliseconds);
}

void clinux_name_thread(const char *name) {
  prctl(PR_SET_NAME, name, 0, 0, 0);
}

uintptr_t clinux_current_thread(void) {
  return (uintptr_t)pthread_self();
}

ssize_t clinux_read_vector(int descriptor, const struct iovec *vectors, int count) {
  return syscall(SYS_readv, descriptor, vectors, count);
}

ssize_t clinux_write_vector(int descriptor, const struct iovec *vectors, int count) {
  return syscall(SYS_writev, descriptor, vectors, count);
}
