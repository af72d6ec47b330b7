#include "calls.h"

#define ALL (POLLIN | POLLOUT | POLLRDHUP | POLLPRI)

static void new_sockets(struct run *run) {
  CALL(socket, AF_UNIX + 100, SOCK_STREAM, 0);
  CALL(socket, AF_INET, 77, 0);
  CALL(socket, AF_INET, SOCK_STREAM | 0x10000000, 0);
  CALL(socket, AF_INET, SOCK_STREAM, IPPROTO_UDP);
  CALL(socket, AF_INET, SOCK_DGRAM, IPPROTO_TCP);
  CALL(socket, AF_INET, SOCK_STREAM, -1);
  CALL(socket, AF_INET6, SOCK_SEQPACKET, 0);
  int s = OPEN(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  CALL(fcntl, s, F_GETFL);
  CALL(fcntl, s, F_SETFL, 0);
  CALL(fcntl, s, F_GETFL);
  CALL(fcntl, s, F_GETFD);
  CALL(close, s);
  // The system may have given the number to another thread by now.
  if (run->is_linux) s = 1 << 30;
  CALL(close, s);
  CALL(fcntl, s, F_GETFL);
}

static void fresh_stream(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  char bytes[8];
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  await(run, "fresh", s, ALL);
  CALL(recv, s, bytes, 8, 0);
  CALL(recv, s, bytes, 8, MSG_DONTWAIT);
  CALL(send, s, bytes, 8, MSG_NOSIGNAL);
  CALL(accept, s, NULL, NULL);
  CALL(getpeername, s, (struct sockaddr *)&address, &length);
  CALL(getsockname, s, (struct sockaddr *)&address, &length);
  note(run, "port %d address %x length %d\n", ntohs(address.sin_port), address.sin_addr.s_addr,
       (int)length);
  length = 4;
  CALL(getsockname, s, (struct sockaddr *)&address, &length);
  note(run, "length %d\n", (int)length);
  length = (socklen_t)-1;
  CALL(getsockname, s, (struct sockaddr *)&address, &length);
  CALL(getsockname, s, NULL, &length);
  CALL(shutdown, s, SHUT_RD);
  CALL(shutdown, s, 7);
  CALL(send, s, NULL, 8, MSG_NOSIGNAL);
  CALL(close, s);
}

static void binding(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(0);
  CALL(bind, s, (struct sockaddr *)&address, 4);
  CALL(bind, s, (struct sockaddr *)&address, 200);
  CALL(bind, s, NULL, sizeof address);
  address.sin_family = AF_INET6;
  CALL(bind, s, ADDRESS(address));
  address.sin_family = AF_UNSPEC;
  CALL(bind, s, ADDRESS(address));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0xC0000201);
  CALL(bind, s, ADDRESS(address));
  address = loopback(0);
  CALL(bind, s, ADDRESS(address));
  CALL(bind, s, ADDRESS(address));
  address = loopback(port_of(run, s));
  int t = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  CALL(bind, t, ADDRESS(address));
  CALL(close, s);
  CALL(bind, t, ADDRESS(address));
  CALL(close, t);
  struct sockaddr_in6 address6 = loopback6(0);
  s = OPEN(socket, AF_INET6, SOCK_STREAM, 0);
  CALL(bind, s, (struct sockaddr *)&address, sizeof address);
  CALL(bind, s, ADDRESS(address6));
  address6.sin6_family = AF_INET;
  CALL(connect, s, ADDRESS(address6));
  CALL(close, s);
}

static void reuse(struct run *run) {
  int on = 1;
  int s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  int t = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(0);
  CALL(setsockopt, s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  CALL(bind, s, ADDRESS(address));
  address = loopback(port_of(run, s));
  CALL(bind, t, ADDRESS(address));
  CALL(setsockopt, t, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  CALL(bind, t, ADDRESS(address));
  CALL(listen, s, 1);
  CALL(listen, t, 1);
  CALL(close, t);
  t = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  CALL(setsockopt, t, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  CALL(bind, t, ADDRESS(address));
  address.sin_addr.s_addr = 0;
  CALL(bind, t, ADDRESS(address));
  CALL(close, t);
  CALL(close, s);
}

static void wait_after_close(struct run *run) {
  int on = 1;
  int port;
  int l = listener(run, &port);
  struct sockaddr_in address = loopback(port);
  int c = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  CALL(connect, c, ADDRESS(address));
  int s = OPEN(accept, l, NULL, NULL);
  CALL(close, l);
  l = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  CALL(bind, l, ADDRESS(address));
  CALL(close, s);
  CALL(close, c);
  CALL(bind, l, ADDRESS(address));
  CALL(setsockopt, l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  CALL(close, l);
}

static void two_families(struct run *run) {
  int on = 1;
  int six = OPEN(socket, AF_INET6, SOCK_STREAM, 0);
  int four = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in6 any6 = {.sin6_family = AF_INET6};
  struct sockaddr_in any4 = {.sin_family = AF_INET};
  CALL(bind, six, ADDRESS(any6));
  any4.sin_port = any6.sin6_port = htons((uint16_t)port_of(run, six));
  CALL(bind, four, ADDRESS(any4));
  CALL(setsockopt, six, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  CALL(listen, six, 4);
  struct sockaddr_in address = loopback(ntohs(any6.sin6_port));
  CALL(connect, four, ADDRESS(address));
  struct sockaddr_in6 remote = {0};
  socklen_t length = sizeof remote;
  int accepted = OPEN(accept, six, (struct sockaddr *)&remote, &length);
  note(run, "length %d family %d mapped %d\n", (int)length, remote.sin6_family,
       IN6_IS_ADDR_V4MAPPED(&remote.sin6_addr));
  CALL(close, accepted);
  CALL(close, four);
  CALL(close, six);
  six = OPEN(socket, AF_INET6, SOCK_STREAM, 0);
  four = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  CALL(setsockopt, six, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  CALL(bind, six, ADDRESS(any6));
  CALL(bind, four, ADDRESS(any4));
  CALL(close, four);
  CALL(close, six);
}

static void refused(struct run *run) {
  int port;
  int l = listener(run, &port);
  run->calls->close(l);
  struct sockaddr_in address = loopback(port);
  char byte;
  int s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  CALL(connect, s, ADDRESS(address));
  CALL(recv, s, &byte, 1, 0);
  CALL(send, s, &byte, 1, MSG_NOSIGNAL);
  CALL(connect, s, ADDRESS(address));
  CALL(close, s);
  s = OPEN(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  CALL(connect, s, ADDRESS(address));
  await(run, "refused", s, ALL);
  int error = -1;
  socklen_t length = sizeof error;
  CALL(getsockopt, s, SOL_SOCKET, SO_ERROR, &error, &length);
  note(run, "error %s\n", strerrorname_np(error));
  CALL(getsockopt, s, SOL_SOCKET, SO_ERROR, &error, &length);
  note(run, "error %d\n", error);
  await(run, "told", s, ALL);
  CALL(recv, s, &byte, 1, 0);
  CALL(send, s, &byte, 1, MSG_NOSIGNAL);
  CALL(connect, s, ADDRESS(address));
  CALL(connect, s, ADDRESS(address));
  await(run, "again", s, ALL);
  CALL(recv, s, &byte, 1, 0);
  CALL(recv, s, &byte, 1, 0);
  CALL(close, s);
}

static void connecting(struct run *run) {
  int port;
  int l = listener(run, &port);
  struct sockaddr_in address = loopback(port);
  int s = OPEN(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  CALL(connect, s, (struct sockaddr *)&address, 1);
  CALL(connect, s, (struct sockaddr *)&address, 8);
  CALL(connect, s, NULL, sizeof address);
  CALL(connect, s, ADDRESS(address));
  await(run, "begun", s, ALL);
  CALL(connect, s, ADDRESS(address));
  CALL(connect, s, ADDRESS(address));
  CALL(listen, s, 1);
  CALL(bind, s, ADDRESS(address));
  CALL(connect, l, ADDRESS(address));
  await(run, "listener", l, ALL);
  int a = OPEN(accept4, l, NULL, NULL, SOCK_NONBLOCK);
  await(run, "listener", l, 0);
  CALL(fcntl, a, F_GETFL);
  CALL(accept4, l, NULL, NULL, 1);
  CALL(fcntl, l, F_SETFL, O_NONBLOCK);
  CALL(accept, l, NULL, NULL);
  address.sin_family = AF_UNSPEC;
  CALL(connect, s, ADDRESS(address));
  char byte;
  await(run, "peer disconnected", a, POLLIN);
  CALL(recv, a, &byte, 1, 0);
  CALL(recv, a, &byte, 1, 0);
  CALL(send, a, &byte, 1, MSG_NOSIGNAL);
  CALL(close, a);
  CALL(close, s);
  CALL(close, l);
}

static void unreachable(struct run *run) {
  struct sockaddr_in address = loopback(9);
  int s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = htonl(0xE0000001);
  CALL(connect, s, ADDRESS(address));
  address.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  CALL(connect, s, ADDRESS(address));
  address = loopback(0);
  CALL(connect, s, ADDRESS(address));
  address.sin_addr.s_addr = 0;
  address.sin_port = htons(1);
  CALL(connect, s, ADDRESS(address));
  CALL(close, s);
}

static void listening(struct run *run) {
  int port;
  int l = listener(run, &port);
  char byte;
  CALL(recv, l, &byte, 1, 0);
  CALL(send, l, &byte, 1, MSG_NOSIGNAL);
  CALL(listen, l, 3);
  int value;
  CALL(ioctl, l, FIONREAD, &value);
  await(run, "listener", l, 0);
  CALL(shutdown, l, SHUT_WR);
  CALL(shutdown, l, SHUT_RD);
  CALL(accept, l, NULL, NULL);
  await(run, "no longer", l, ALL);
  CALL(listen, l, 3);
  CALL(shutdown, l, SHUT_RDWR);
  CALL(close, l);
  l = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  CALL(listen, l, 3);
  note(run, "has a port: %d\n", port_of(run, l) >= 1024);
  CALL(close, l);
}

static void half_closes(struct run *run) {
  int c, s;
  connected(run, &c, &s);
  char bytes[16];
  await(run, "connected", c, ALL);
  CALL(send, c, "hello", 5, 0);
  CALL(shutdown, c, SHUT_WR);
  CALL(shutdown, c, SHUT_WR);
  await(run, "own end", c, ALL);
  CALL(send, c, "x", 1, MSG_NOSIGNAL);
  await(run, "peer's end", s, ALL);
  CALL(recv, s, bytes, 16, 0);
  CALL(recv, s, bytes, 16, 0);
  CALL(send, s, "answer", 6, 0);
  await(run, "answer", c, POLLIN);
  CALL(recv, c, bytes, 16, 0);
  CALL(shutdown, s, SHUT_WR);
  await(run, "both ends", c, POLLIN);
  await(run, "both ends", c, ALL);
  CALL(recv, c, bytes, 16, 0);
  CALL(send, s, "x", 1, MSG_NOSIGNAL);
  CALL(close, c);
  CALL(close, s);
  connected(run, &c, &s);
  CALL(shutdown, c, SHUT_RD);
  await(run, "reading shut", c, ALL);
  CALL(recv, c, bytes, 16, 0);
  CALL(send, s, "late", 4, 0);
  CALL(recv, c, bytes, 16, 0);
  CALL(recv, c, bytes, 16, 0);
  CALL(shutdown, c, SHUT_RDWR);
  await(run, "all shut", c, ALL);
  CALL(close, c);
  CALL(close, s);
}

static void resets(struct run *run) {
  int c, s;
  char bytes[16];
  struct linger linger = {1, 0};
  connected(run, &c, &s);
  CALL(setsockopt, c, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  CALL(close, c);
  await(run, "reset", s, ALL);
  CALL(recv, s, bytes, 16, 0);
  CALL(recv, s, bytes, 16, 0);
  CALL(send, s, "x", 1, MSG_NOSIGNAL);
  CALL(shutdown, s, SHUT_RDWR);
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  CALL(getpeername, s, (struct sockaddr *)&address, &length);
  address = loopback(1);
  CALL(connect, s, ADDRESS(address));
  await(run, "told", s, ALL);
  CALL(close, s);
  connected(run, &c, &s);
  CALL(send, c, "unread", 6, 0);
  await(run, "unread", s, POLLIN);
  CALL(close, s);
  await(run, "closed with bytes unread", c, ALL);
  CALL(send, c, "x", 1, MSG_NOSIGNAL);
  CALL(send, c, "x", 1, MSG_NOSIGNAL);
  CALL(recv, c, bytes, 16, 0);
  CALL(close, c);
  connected(run, &c, &s);
  CALL(close, s);
  await(run, "closed", c, ALL);
  CALL(send, c, "x", 1, MSG_NOSIGNAL);
  await(run, "wrote to the closed", c, ALL);
  CALL(send, c, "x", 1, MSG_NOSIGNAL);
  CALL(recv, c, bytes, 16, 0);
  CALL(close, c);
}

static void flags(struct run *run) {
  int c, s;
  char bytes[32] = {0};
  connected(run, &c, &s);
  struct timeval limit = {0, 20000};
  CALL(setsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  CALL(recv, s, bytes, 4, 0);
  CALL(recv, s, bytes, 4, MSG_DONTWAIT);
  CALL(recv, s, bytes, 4, MSG_OOB);
  CALL(recv, s, bytes, 4, MSG_ERRQUEUE);
  CALL(send, c, "0123456789", 10, MSG_MORE);
  CALL(send, c, "abcdef", 6, 0);
  CALL(recv, s, bytes, 4, MSG_PEEK);
  note(run, "%.4s\n", bytes);
  CALL(recv, s, bytes, 16, MSG_PEEK | MSG_WAITALL);
  note(run, "%.16s\n", bytes);
  CALL(recv, s, NULL, 3, MSG_TRUNC);
  CALL(recv, s, bytes, 3, MSG_DONTWAIT);
  note(run, "%.3s\n", bytes);
  CALL(recv, s, bytes, 32, MSG_WAITALL);
  note(run, "%.10s\n", bytes);
  CALL(recv, s, bytes, 0, MSG_DONTWAIT);
  CALL(send, c, "", 0, 0);
  CALL(send, c, "xyz", 3, 0);
  await(run, "more", s, POLLIN);
  int value = -1;
  CALL(ioctl, s, FIONREAD, &value);
  note(run, "%d bytes\n", value);
  CALL(recv, s, bytes, 0, 0);
  CALL(recv, s, NULL, 3, 0);
  CALL(ioctl, s, SIOCATMARK, &value);
  CALL(ioctl, s, 0x1234, &value);
  value = 1;
  CALL(ioctl, s, FIONBIO, &value);
  CALL(read, s, bytes, 32);
  CALL(read, s, bytes, 32);
  struct iovec vectors[3] = {{"one", 3}, {NULL, 0}, {"two", 3}};
  CALL(writev, c, vectors, 3);
  CALL(writev, c, vectors, -1);
  CALL(writev, c, NULL, 1);
  char first[2], second[8] = {0};
  struct iovec into[2] = {{first, 2}, {second, 8}};
  await(run, "vectors", s, POLLIN);
  CALL(readv, s, into, 2);
  note(run, "%.2s %s\n", first, second);
  CALL(close, c);
  CALL(close, s);
}

static void accept_in_time(struct run *run) {
  int port;
  int l = listener(run, &port);
  struct timeval limit = {0, 20000};
  CALL(setsockopt, l, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  CALL(accept, l, NULL, NULL);
  struct sockaddr_in address = loopback(port);
  int c = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  CALL(connect, c, ADDRESS(address));
  CALL(accept, l, (struct sockaddr *)&address, NULL);
  CALL(close, c);
  CALL(close, l);
}

static void full_buffers(struct run *run) {
  int c, s;
  static char bytes[1 << 16];
  connected(run, &c, &s);
  CALL(fcntl, c, F_SETFL, O_NONBLOCK);
  long sent = 0, result;
  while ((result = run->calls->send(c, bytes, sizeof bytes, 0)) > 0) sent += result;
  note(run, "sent some: %d, then %s\n", sent > 0, strerrorname_np(errno));
  struct pollfd interest = {c, POLLOUT, 0};
  CALL(poll, &interest, 1, 0);
  long got = 0;
  while (got < sent && (result = run->calls->recv(s, bytes, sizeof bytes, 0)) > 0) got += result;
  note(run, "got all: %d\n", got == sent);
  await(run, "room again", c, POLLOUT);
  CALL(close, c);
  CALL(close, s);
}

const struct named_case stream_cases[] = {
    {"new sockets", new_sockets},
    {"a fresh stream", fresh_stream},
    {"binding", binding},
    {"address reuse", reuse},
    {"binding while a connection lingers", wait_after_close},
    {"one port, two families", two_families},
    {"a refused connection", refused},
    {"connecting without blocking", connecting},
    {"destinations nobody connects to", unreachable},
    {"listening", listening},
    {"half closes", half_closes},
    {"resets", resets},
    {"flags and vectors", flags},
    {"accepting in time", accept_in_time},
    {"full buffers", full_buffers},
    {NULL, NULL}};
