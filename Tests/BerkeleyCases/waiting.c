#include "calls.h"

static void polls(struct run *run) {
  int c, s;
  connected(run, &c, &s);
  struct pollfd interests[3] = {{c, POLLIN, 0}, {-1, POLLIN, 5}, {s, POLLIN | POLLOUT, 0}};
  CALL(poll, interests, 3, 0);
  note(run, "%#x %#x %#x\n", interests[0].revents, interests[1].revents, interests[2].revents);
  CALL(poll, interests, 1, 5);
  CALL(poll, NULL, 0, 1);
  CALL(poll, NULL, 1, 0);
  CALL(send, s, "x", 1, 0);
  CALL(poll, interests, 1, 1000);
  interests[0].events = POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND;
  CALL(poll, interests, 1, 1000);
  note(run, "%#x\n", interests[0].revents);
  CALL(close, s);
  interests[0].fd = s;
  CALL(poll, interests, 1, 0);
  note(run, "%#x\n", interests[0].revents);
  CALL(close, c);
}

static void selects(struct run *run) {
  int c, s;
  connected(run, &c, &s);
  fd_set readable, writable;
  FD_ZERO(&readable);
  FD_ZERO(&writable);
  FD_SET(c, &readable);
  FD_SET(s, &writable);
  struct timeval limit = {1, 0};
  int most = c > s ? c + 1 : s + 1;
  CALL(select, most, &readable, &writable, NULL, &limit);
  note(run, "%d %d\n", FD_ISSET(c, &readable) != 0, FD_ISSET(s, &writable) != 0);
  CALL(send, s, "x", 1, 0);
  FD_SET(c, &readable);
  FD_SET(c, &writable);
  limit = (struct timeval){1, 0};
  CALL(select, most, &readable, &writable, NULL, &limit);
  note(run, "%d %d %d\n", FD_ISSET(c, &readable) != 0, FD_ISSET(c, &writable) != 0,
       FD_ISSET(s, &writable) != 0);
  CALL(select, -1, NULL, NULL, NULL, &limit);
  limit = (struct timeval){0, 1000};
  CALL(select, 0, NULL, NULL, NULL, &limit);
  CALL(close, s);
  FD_SET(s, &readable);
  CALL(select, most, &readable, NULL, NULL, &limit);
  CALL(close, c);
}

static void wait_for(struct run *run, const char *text, int instance, int limit) {
  struct epoll_event events[4];
  int count = run->calls->epoll_wait(instance, events, 4, limit);
  note(run, "%s: %d", text, count);
  for (int i = 0; i < count; i++)
    note(run, " %d:%#x", (int)events[i].data.u32, events[i].events);
  note(run, "\n");
}

static void epolls(struct run *run) {
  int c, s;
  char bytes[8];
  connected(run, &c, &s);
  int e = OPEN(epoll_create1, 0);
  struct epoll_event event = {EPOLLIN, {.u32 = 1}};
  CALL(epoll_create1, 7);
  CALL(epoll_ctl, e, EPOLL_CTL_MOD, c, &event);
  CALL(epoll_ctl, e, EPOLL_CTL_DEL, c, NULL);
  CALL(epoll_ctl, e, EPOLL_CTL_ADD, c, &event);
  CALL(epoll_ctl, e, EPOLL_CTL_ADD, c, &event);
  CALL(epoll_ctl, e, EPOLL_CTL_ADD, e, &event);
  CALL(epoll_ctl, e, EPOLL_CTL_ADD, 100000, &event);
  CALL(epoll_ctl, c, EPOLL_CTL_ADD, s, &event);
  CALL(epoll_ctl, e, 9, c, &event);
  CALL(epoll_wait, e, &event, 0, 0);
  wait_for(run, "nothing", e, 5);
  CALL(send, s, "abc", 3, 0);
  wait_for(run, "level", e, 1000);
  wait_for(run, "level again", e, 0);
  CALL(recv, c, bytes, 1, 0);
  wait_for(run, "level still", e, 0);
  event = (struct epoll_event){EPOLLIN | EPOLLET, {.u32 = 2}};
  CALL(epoll_ctl, e, EPOLL_CTL_MOD, c, &event);
  wait_for(run, "edge", e, 1000);
  wait_for(run, "edge again", e, 0);
  CALL(recv, c, bytes, 1, 0);
  wait_for(run, "read some", e, 0);
  CALL(send, s, "d", 1, 0);
  wait_for(run, "new edge", e, 1000);
  wait_for(run, "no edge", e, 0);
  event = (struct epoll_event){EPOLLIN | EPOLLOUT | EPOLLONESHOT, {.u32 = 3}};
  CALL(epoll_ctl, e, EPOLL_CTL_MOD, c, &event);
  wait_for(run, "one shot", e, 1000);
  wait_for(run, "spent", e, 0);
  CALL(epoll_ctl, e, EPOLL_CTL_MOD, c, &event);
  wait_for(run, "one more", e, 1000);
  event = (struct epoll_event){EPOLLIN | EPOLLRDHUP, {.u32 = 4}};
  CALL(epoll_ctl, e, EPOLL_CTL_MOD, c, &event);
  CALL(close, s);
  wait_for(run, "peer closed", e, 1000);
  CALL(close, c);
  wait_for(run, "closed", e, 0);
  CALL(recv, e, bytes, 1, 0);
  CALL(close, e);
}

static void epoll_accept(struct run *run) {
  int port;
  int l = listener(run, &port);
  int e = OPEN(epoll_create1, 0);
  struct epoll_event event = {EPOLLIN | EPOLLET, {.u32 = 1}};
  CALL(epoll_ctl, e, EPOLL_CTL_ADD, l, &event);
  wait_for(run, "none", e, 0);
  struct sockaddr_in address = loopback(port);
  int c = OPEN(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  event.data.u32 = 2;
  event.events = EPOLLOUT | EPOLLET;
  CALL(connect, c, ADDRESS(address));
  wait_for(run, "to accept", e, 1000);
  CALL(epoll_ctl, e, EPOLL_CTL_ADD, c, &event);
  wait_for(run, "connected", e, 1000);
  wait_for(run, "told", e, 0);
  CALL(close, c);
  CALL(close, l);
  CALL(close, e);
}

const struct named_case waiting_cases[] = {
    {"poll", polls}, {"select", selects}, {"epoll", epolls},
    {"epoll at a listener", epoll_accept}, {NULL, NULL}};
