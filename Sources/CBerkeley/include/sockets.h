/// The classic socket calls on a protocol stack of this process: libsockets.
///
/// Every call is the one whose name follows `sockets_`, with the same arguments, results and errno
/// as on Linux, over descriptors of its own: they count from SOCKETS_FIRST_DESCRIPTOR and mean
/// nothing to the kernel. Any thread may call; blocking calls sleep. A process that forks keeps its
/// sockets in the parent only.
///
///   int node = sockets_open("tun:sock0=10.7.0.2/24");
///   int s = sockets_socket(AF_INET, SOCK_STREAM, 0);
///   sockets_connect(s, (struct sockaddr *)&address, sizeof address);
///   sockets_send(s, "hello", 5, 0);
///   sockets_close(s);
///   sockets_close_node(node);
#ifndef SWIFT_SOCKETS_H
#define SWIFT_SOCKETS_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo;
struct mmsghdr;

/// The lowest descriptor. Those below FD_SETSIZE fit into an fd_set.
#define SOCKETS_FIRST_DESCRIPTOR 512

/// Opens a node: a host of this process, attached to a TUN or TAP device, "tun:NAME=ADDRESS/LENGTH"
/// with more addresses behind commas, or "tap:...". The first that is open is where sockets are
/// made. Answers its number, or -1.
int sockets_open(const char *network);
/// Two nodes joined by a cable in memory, 10.0.0.1 and fd00::1 and 10.0.0.2 and fd00::2.
int sockets_open_pair(int nodes[2]);
/// Closes a node and all its sockets; their peers are reset.
int sockets_close_node(int node);

/// AF_INET or AF_INET6 with SOCK_STREAM, SOCK_DGRAM, or SOCK_RAW and a protocol's number: raw sockets
/// need no privilege on a node. SOCK_NONBLOCK and SOCK_CLOEXEC may be added.
int sockets_socket(int domain, int type, int protocol);
/// sockets_socket on a chosen node.
int sockets_socket_on(int node, int domain, int type, int protocol);
int sockets_bind(int descriptor, const struct sockaddr *local, socklen_t length);
int sockets_listen(int descriptor, int backlog);
int sockets_accept(int descriptor, struct sockaddr *remote, socklen_t *length);
int sockets_accept4(int descriptor, struct sockaddr *remote, socklen_t *length, int flags);
int sockets_connect(int descriptor, const struct sockaddr *remote, socklen_t length);
int sockets_shutdown(int descriptor, int how);
int sockets_close(int descriptor);
int sockets_getsockname(int descriptor, struct sockaddr *local, socklen_t *length);
int sockets_getpeername(int descriptor, struct sockaddr *remote, socklen_t *length);

ssize_t sockets_read(int descriptor, void *bytes, size_t count);
ssize_t sockets_readv(int descriptor, const struct iovec *vectors, int count);
ssize_t sockets_recv(int descriptor, void *bytes, size_t count, int flags);
ssize_t sockets_recvfrom(
    int descriptor, void *bytes, size_t count, int flags, struct sockaddr *remote,
    socklen_t *length);
ssize_t sockets_recvmsg(int descriptor, struct msghdr *message, int flags);
int sockets_recvmmsg(
    int descriptor, struct mmsghdr *messages, unsigned int count, int flags,
    struct timespec *timeout);

ssize_t sockets_write(int descriptor, const void *bytes, size_t count);
ssize_t sockets_writev(int descriptor, const struct iovec *vectors, int count);
ssize_t sockets_send(int descriptor, const void *bytes, size_t count, int flags);
ssize_t sockets_sendto(
    int descriptor, const void *bytes, size_t count, int flags, const struct sockaddr *remote,
    socklen_t length);
ssize_t sockets_sendmsg(int descriptor, const struct msghdr *message, int flags);
int sockets_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned int count, int flags);

/// Options with Linux's names, values and limits: those of socket(7), tcp(7), ip(7) and ipv6(7) that
/// a stack can obey, TCP_INFO, SO_BINDTODEVICE and SO_BINDTOIFINDEX, and groups as in RFC 3678,
/// joined for everybody or for single sources. DEVIATIONS.md has what differs.
int sockets_getsockopt(int descriptor, int level, int name, void *value, socklen_t *length);
int sockets_setsockopt(int descriptor, int level, int name, const void *value, socklen_t length);
/// F_GETFL, F_SETFL (O_NONBLOCK), F_GETFD, F_SETFD.
int sockets_fcntl(int descriptor, int command, ...);
/// FIONREAD, FIONBIO, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK.
int sockets_ioctl(int descriptor, unsigned long request, ...);
/// The same for callers without variable arguments.
int sockets_fcntl_value(int descriptor, int command, long value);
int sockets_ioctl_value(int descriptor, unsigned long request, void *value);

int sockets_poll(struct pollfd *descriptors, nfds_t count, int timeout);
int sockets_select(
    int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout);
int sockets_epoll_create(int size);
int sockets_epoll_create1(int flags);
int sockets_epoll_ctl(int instance, int operation, int descriptor, struct epoll_event *event);
int sockets_epoll_wait(int instance, struct epoll_event *events, int count, int timeout);

/// Addresses in figures, "localhost", and nothing (the wildcard or the loopback address); service
/// names as in /etc/services. Other names: EAI_NONAME.
int sockets_getaddrinfo(
    const char *host, const char *service, const struct addrinfo *hints,
    struct addrinfo **result);
void sockets_freeaddrinfo(struct addrinfo *result);

/// Whether a number is a descriptor of this library at the moment.
int sockets_is_descriptor(int descriptor);

#ifdef __cplusplus
}
#endif

#endif
