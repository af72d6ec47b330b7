/// Lets google/packetdrill play the network of a node: its `--so_filename` interface.
///
/// The flags are `LOCAL/LENGTH[,LOCAL/LENGTH...]` with, if it is not 1500, ` mtu=NUMBER` behind
/// them. Descriptors that packetdrill hands to the C library are for those who preload
/// libsockets-packetdrill.so (Scripts/packetdrill).
#define _GNU_SOURCE
#include "internal.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

/// The calls packetdrill makes, in its order.
struct packetdrill_interface {
  void *userdata;
  void (*free)(void *);
  int (*socket)(void *, int, int, int);
  int (*bind)(void *, int, const struct sockaddr *, socklen_t);
  int (*listen)(void *, int, int);
  int (*accept)(void *, int, struct sockaddr *, socklen_t *);
  int (*connect)(void *, int, const struct sockaddr *, socklen_t);
  ssize_t (*read)(void *, int, void *, size_t);
  ssize_t (*readv)(void *, int, const struct iovec *, int);
  ssize_t (*recv)(void *, int, void *, size_t, int);
  ssize_t (*recvfrom)(void *, int, void *, size_t, int, struct sockaddr *, socklen_t *);
  ssize_t (*recvmsg)(void *, int, struct msghdr *, int);
  ssize_t (*write)(void *, int, const void *, size_t);
  ssize_t (*writev)(void *, int, const struct iovec *, int);
  ssize_t (*send)(void *, int, const void *, size_t, int);
  ssize_t (*sendto)(
      void *, int, const void *, size_t, int, const struct sockaddr *, socklen_t);
  ssize_t (*sendmsg)(void *, int, const struct msghdr *, int);
  int (*fcntl)(void *, int, int, ...);
  int (*ioctl)(void *, int, unsigned long, ...);
  int (*close)(void *, int);
  int (*shutdown)(void *, int, int);
  int (*getsockopt)(void *, int, int, int, void *, socklen_t *);
  int (*setsockopt)(void *, int, int, int, const void *, socklen_t);
  int (*poll)(void *, struct pollfd *, nfds_t, int);
  int (*netdev_send)(void *, const void *, size_t);
  int (*netdev_receive)(void *, void *, size_t *, long long *);
  int (*usleep)(void *, useconds_t);
  int (*gettimeofday)(void *, struct timeval *, struct timezone *);
  int (*epoll_create)(void *, int);
  int (*epoll_ctl)(void *, int, int, int, struct epoll_event *);
  int (*epoll_wait)(void *, int, struct epoll_event *, int, int);
  int (*pipe)(void *, int[2]);
  int (*splice)(void *, int, loff_t *, int, loff_t *, size_t, unsigned int);
};

static void end(void *_) { berkeley_plug_close(); }
static int own_socket(void *_, int domain, int type, int protocol) {
  // The init command of a script has set the system's options by now.
  int result = berkeley_plug_begin();
  return result < 0 ? (int)answer(result) : sockets_socket(domain, type, protocol);
}
static int own_bind(void *_, int s, const struct sockaddr *local, socklen_t length) {
  return sockets_bind(s, local, length);
}
static int own_listen(void *_, int s, int backlog) { return sockets_listen(s, backlog); }
static int own_accept(void *_, int s, struct sockaddr *remote, socklen_t *length) {
  return sockets_accept(s, remote, length);
}
static int own_connect(void *_, int s, const struct sockaddr *remote, socklen_t length) {
  return sockets_connect(s, remote, length);
}
static ssize_t own_read(void *_, int s, void *bytes, size_t count) {
  return sockets_is_descriptor(s) ? sockets_read(s, bytes, count) : read(s, bytes, count);
}
static ssize_t own_readv(void *_, int s, const struct iovec *vectors, int count) {
  return sockets_readv(s, vectors, count);
}
static ssize_t own_recv(void *_, int s, void *bytes, size_t count, int flags) {
  return sockets_recv(s, bytes, count, flags);
}
static ssize_t own_recvfrom(
    void *_, int s, void *bytes, size_t count, int flags, struct sockaddr *remote,
    socklen_t *length) {
  return sockets_recvfrom(s, bytes, count, flags, remote, length);
}
static ssize_t own_recvmsg(void *_, int s, struct msghdr *message, int flags) {
  return sockets_recvmsg(s, message, flags);
}
static ssize_t own_write(void *_, int s, const void *bytes, size_t count) {
  return sockets_is_descriptor(s) ? sockets_write(s, bytes, count) : write(s, bytes, count);
}
static ssize_t own_writev(void *_, int s, const struct iovec *vectors, int count) {
  return sockets_writev(s, vectors, count);
}
static ssize_t own_send(void *_, int s, const void *bytes, size_t count, int flags) {
  return sockets_send(s, bytes, count, flags);
}
static ssize_t own_sendto(
    void *_, int s, const void *bytes, size_t count, int flags, const struct sockaddr *remote,
    socklen_t length) {
  return sockets_sendto(s, bytes, count, flags, remote, length);
}
static ssize_t own_sendmsg(void *_, int s, const struct msghdr *message, int flags) {
  return sockets_sendmsg(s, message, flags);
}
static int own_fcntl(void *_, int s, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  int value = va_arg(arguments, int);
  va_end(arguments);
  return sockets_is_descriptor(s) ? sockets_fcntl_value(s, command, value)
                                  : fcntl(s, command, value);
}
static int own_ioctl(void *_, int s, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *value = va_arg(arguments, void *);
  va_end(arguments);
  return sockets_ioctl_value(s, request, value);
}
static int own_close(void *_, int s) {
  return sockets_is_descriptor(s) ? sockets_close(s) : close(s);
}
static int own_shutdown(void *_, int s, int how) { return sockets_shutdown(s, how); }
static int own_getsockopt(
    void *_, int s, int level, int name, void *value, socklen_t *length) {
  return sockets_getsockopt(s, level, name, value, length);
}
static int own_setsockopt(
    void *_, int s, int level, int name, const void *value, socklen_t length) {
  return sockets_setsockopt(s, level, name, value, length);
}
static int own_poll(void *_, struct pollfd *descriptors, nfds_t count, int timeout) {
  return sockets_poll(descriptors, count, timeout);
}
static int put_packet(void *_, const void *bytes, size_t count) {
  return (int)answer(berkeley_plug_inject(bytes, count));
}
static int take_packet(void *_, void *bytes, size_t *count, long long *microseconds) {
  int64_t left = 0;
  ssize_t result = berkeley_plug_take(bytes, *count, &left);
  *count = result < 0 ? 0 : (size_t)result;
  *microseconds = left;
  return 0;
}
static int pass_time(void *_, useconds_t microseconds) {
  berkeley_plug_pass(microseconds);
  return 0;
}
static int tell_time(void *_, struct timeval *time, struct timezone *zone) {
  int64_t now = berkeley_plug_now();
  time->tv_sec = now / 1000000;
  time->tv_usec = now % 1000000;
  return 0;
}
static int own_epoll_create(void *_, int size) { return sockets_epoll_create(size); }
static int own_epoll_ctl(void *_, int e, int operation, int s, struct epoll_event *event) {
  return sockets_epoll_ctl(e, operation, s, event);
}
static int own_epoll_wait(void *_, int e, struct epoll_event *events, int count, int timeout) {
  return sockets_epoll_wait(e, events, count, timeout);
}
static int own_pipe(void *_, int ends[2]) { return pipe(ends); }

/// splice between a pipe of the kernel's and a socket of ours: through memory.
static ssize_t move(int from, int to, size_t length) {
  uint8_t bytes[65536];
  if (length > sizeof bytes) length = sizeof bytes;
  ssize_t got = own_read(NULL, from, bytes, length);
  if (got <= 0) return got;
  return own_write(NULL, to, bytes, (size_t)got);
}
static int own_splice(
    void *_, int from, loff_t *from_offset, int to, loff_t *to_offset, size_t length,
    unsigned int flags) {
  return (int)move(from, to, length);
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface) {
  int result = berkeley_plug_open(flags == NULL ? "192.168.0.1/16" : flags);
  if (result < 0) {
    dprintf(2, "libsockets: cannot make a node of \"%s\": %s\n", flags, strerror(-result));
    exit(1);
  }
  *interface = (struct packetdrill_interface){
      .free = end, .socket = own_socket, .bind = own_bind, .listen = own_listen,
      .accept = own_accept, .connect = own_connect, .read = own_read, .readv = own_readv,
      .recv = own_recv, .recvfrom = own_recvfrom, .recvmsg = own_recvmsg, .write = own_write,
      .writev = own_writev, .send = own_send, .sendto = own_sendto, .sendmsg = own_sendmsg,
      .fcntl = own_fcntl, .ioctl = own_ioctl, .close = own_close, .shutdown = own_shutdown,
      .getsockopt = own_getsockopt, .setsockopt = own_setsockopt, .poll = own_poll,
      .netdev_send = put_packet, .netdev_receive = take_packet, .usleep = pass_time,
      .gettimeofday = tell_time, .epoll_create = own_epoll_create,
      .epoll_ctl = own_epoll_ctl, .epoll_wait = own_epoll_wait, .pipe = own_pipe,
      .splice = own_splice};
}
