#include "calls.h"
#include "include/cases.h"

#include "sockets.h"

#include <stdarg.h>

static const struct calls on_linux = {
    socket, bind, listen, accept, accept4, connect, shutdown, close, getsockname, getpeername,
    read, readv, recv, recvfrom, recvmsg, write, writev, send, sendto, sendmsg, getsockopt,
    setsockopt, fcntl, ioctl, poll, select, epoll_create1, epoll_ctl, epoll_wait};
static const struct calls on_library = {
    sockets_socket, sockets_bind, sockets_listen, sockets_accept, sockets_accept4,
    sockets_connect, sockets_shutdown, sockets_close, sockets_getsockname, sockets_getpeername,
    sockets_read, sockets_readv, sockets_recv, sockets_recvfrom, sockets_recvmsg, sockets_write,
    sockets_writev, sockets_send, sockets_sendto, sockets_sendmsg, sockets_getsockopt,
    sockets_setsockopt, sockets_fcntl, sockets_ioctl, sockets_poll, sockets_select,
    sockets_epoll_create1, sockets_epoll_ctl, sockets_epoll_wait};

static const struct named_case *const tables[] = {
    stream_cases, option_cases, datagram_cases, waiting_cases, group_cases, raw_cases};

static const struct named_case *find(int number) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    for (const struct named_case *entry = tables[i]; entry->name != NULL; entry++)
      if (number-- == 0) return entry;
  return NULL;
}

int cases_count(void) {
  int count = 0;
  while (find(count) != NULL) count++;
  return count;
}

int cases_need_root(int number) {
  const struct named_case *entry = find(number);
  for (const struct named_case *raw = raw_cases; raw->name != NULL; raw++)
    if (raw == entry) return 1;
  return 0;
}

const char *cases_name(int number) {
  const struct named_case *entry = find(number);
  return entry == NULL ? "" : entry->name;
}

struct run cases_begin(int is_linux, char *transcript, size_t size) {
  transcript[0] = 0;
  return (struct run){is_linux ? &on_linux : &on_library, is_linux,
                      is_linux ? "127.0.0.1" : "10.0.0.1", is_linux ? "::1" : "fd00::1",
                      transcript, size, 0};
}

void cases_run(int number, int is_linux, char *transcript, size_t size) {
  struct run run = cases_begin(is_linux, transcript, size);
  const struct named_case *entry = find(number);
  if (entry != NULL) entry->body(&run);
}

void note(struct run *run, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t room = run->size - run->used;
  int length = vsnprintf(run->transcript + run->used, room, format, arguments);
  va_end(arguments);
  if (length > 0) run->used += (size_t)length < room ? (size_t)length : room - 1;
}

long answered(struct run *run, const char *text, long result) {
  int reason = errno;
  if (result < 0) {
    note(run, "%s = %ld %s\n", text, result, strerrorname_np(reason));
  } else {
    note(run, "%s = %ld\n", text, result);
  }
  errno = reason;
  return result;
}

int opened(struct run *run, const char *text, int result) {
  if (result < 0) {
    answered(run, text, result);
  } else {
    note(run, "%s is open\n", text);
  }
  return result;
}

struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

struct sockaddr_in6 loopback6(int port) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  address.sin6_addr = in6addr_loopback;
  return address;
}

int port_of(struct run *run, int socket) {
  struct sockaddr_in6 address = {0};
  socklen_t length = sizeof address;
  run->calls->getsockname(socket, (struct sockaddr *)&address, &length);
  return ntohs(address.sin6_port);
}

int listener(struct run *run, int *port) {
  int socket = run->calls->socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(0);
  run->calls->bind(socket, ADDRESS(address));
  run->calls->listen(socket, 8);
  *port = port_of(run, socket);
  return socket;
}

void connected(struct run *run, int *client, int *server) {
  int port;
  int waiting = listener(run, &port);
  struct sockaddr_in address = loopback(port);
  *client = run->calls->socket(AF_INET, SOCK_STREAM, 0);
  if (run->calls->connect(*client, ADDRESS(address)) != 0) note(run, "cannot connect\n");
  *server = run->calls->accept(waiting, NULL, NULL);
  run->calls->close(waiting);
}

void await(struct run *run, const char *text, int socket, short events) {
  struct pollfd interest = {socket, events, 0};
  int result = run->calls->poll(&interest, 1, 1000);
  note(run, "%s: poll = %d, events %#x\n", text, result, (unsigned short)interest.revents);
}
