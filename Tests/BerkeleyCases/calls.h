/// The calls under test, and the pen they are written down with.
#ifndef SWIFT_SOCKETS_CASES_CALLS_H
#define SWIFT_SOCKETS_CASES_CALLS_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

struct calls {
  int (*socket)(int, int, int);
  int (*bind)(int, const struct sockaddr *, socklen_t);
  int (*listen)(int, int);
  int (*accept)(int, struct sockaddr *, socklen_t *);
  int (*accept4)(int, struct sockaddr *, socklen_t *, int);
  int (*connect)(int, const struct sockaddr *, socklen_t);
  int (*shutdown)(int, int);
  int (*close)(int);
  int (*getsockname)(int, struct sockaddr *, socklen_t *);
  int (*getpeername)(int, struct sockaddr *, socklen_t *);
  ssize_t (*read)(int, void *, size_t);
  ssize_t (*readv)(int, const struct iovec *, int);
  ssize_t (*recv)(int, void *, size_t, int);
  ssize_t (*recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
  ssize_t (*recvmsg)(int, struct msghdr *, int);
  ssize_t (*write)(int, const void *, size_t);
  ssize_t (*writev)(int, const struct iovec *, int);
  ssize_t (*send)(int, const void *, size_t, int);
  ssize_t (*sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
  ssize_t (*sendmsg)(int, const struct msghdr *, int);
  int (*getsockopt)(int, int, int, void *, socklen_t *);
  int (*setsockopt)(int, int, int, const void *, socklen_t);
  int (*fcntl)(int, int, ...);
  int (*ioctl)(int, unsigned long, ...);
  int (*poll)(struct pollfd *, nfds_t, int);
  int (*select)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
  int (*epoll_create1)(int);
  int (*epoll_ctl)(int, int, int, struct epoll_event *);
  int (*epoll_wait)(int, struct epoll_event *, int, int);
};

struct run {
  const struct calls *calls;
  int is_linux;
  /// Addresses of the interface with number 1, for groups: on Linux that is the loopback interface.
  const char *address, *address6;
  char *transcript;
  size_t size, used;
};

typedef void (*test_case)(struct run *);
struct named_case {
  const char *name;
  test_case body;
};
extern const struct named_case stream_cases[], option_cases[], datagram_cases[], waiting_cases[],
    group_cases[], raw_cases[];

/// A run that has written nothing yet.
struct run cases_begin(int is_linux, char *transcript, size_t size);

void note(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/// Writes down a call's text and what it answered; gives the answer on.
long answered(struct run *run, const char *text, long result);

/// CALL(name, arguments...) makes a call of the run and writes it down.
#define CALL(name, ...) \
  (errno = 0, answered(run, #name "(" #__VA_ARGS__ ")", (long)run->calls->name(__VA_ARGS__)))
/// The same, but only failure is written down, for numbers of descriptors differ.
#define OPEN(name, ...) \
  (errno = 0, opened(run, #name "(" #__VA_ARGS__ ")", run->calls->name(__VA_ARGS__)))
int opened(struct run *run, const char *text, int result);

/// 127.0.0.1, and a port in the machine's order.
struct sockaddr_in loopback(int port);
struct sockaddr_in6 loopback6(int port);
/// The port a socket is bound to.
int port_of(struct run *run, int socket);
/// A listener on a port that is free, and a connection through it.
int listener(struct run *run, int *port);
void connected(struct run *run, int *client, int *server);
/// Waits for events, at most a second, and writes down which came.
void await(struct run *run, const char *text, int socket, short events);

#define ADDRESS(address) (struct sockaddr *)&(address), sizeof(address)

#endif
