#define _GNU_SOURCE
#include "internal.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

_Static_assert(sizeof(struct berkeley_interest) == sizeof(struct pollfd), "the layout of pollfd");
_Static_assert(
    sizeof(struct berkeley_event) == sizeof(struct epoll_event), "the layout of epoll_event");
_Static_assert(
    offsetof(struct berkeley_event, data) == offsetof(struct epoll_event, data),
    "the layout of epoll_event");

int sockets_poll(struct pollfd *descriptors, nfds_t count, int timeout) {
  if (count > 1 << 20) return (int)answer(-EINVAL);
  if (count > 0 && descriptors == NULL) return (int)answer(-EFAULT);
  return (int)answer(berkeley_poll(
      (struct berkeley_interest *)descriptors, (int)count, nanoseconds_of_milliseconds(timeout)));
}

int sockets_select(
    int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout) {
  // What select(2) counts as readable, writable and exceptional.
  const short in = POLLIN | POLLRDNORM | POLLHUP | POLLERR;
  const short out = POLLOUT | POLLWRNORM | POLLERR;
  if (count < 0) return (int)answer(-EINVAL);
  if (count > FD_SETSIZE) count = FD_SETSIZE;
  int64_t limit = -1;
  if (timeout != NULL) {
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0) return (int)answer(-EINVAL);
    limit = timeout->tv_sec > 1000000000
        ? -1 : (int64_t)timeout->tv_sec * 1000000000 + (int64_t)timeout->tv_usec * 1000;
  }
  struct berkeley_interest interests[FD_SETSIZE];
  int used = 0;
  for (int i = 0; i < count; i++) {
    short events = 0;
    if (readable != NULL && FD_ISSET(i, readable)) events |= POLLIN;
    if (writable != NULL && FD_ISSET(i, writable)) events |= POLLOUT;
    if (exceptional != NULL && FD_ISSET(i, exceptional)) events |= POLLPRI;
    if (events == 0) continue;
    if (!berkeley_is_descriptor(i)) return (int)answer(-EBADF);
    interests[used++] = (struct berkeley_interest){i, events, 0};
  }
  // Failure and hang-up are always told, but select has no place for some: look again for those.
  struct timespec before;
  clock_gettime(CLOCK_MONOTONIC, &before);
  int result = berkeley_poll(interests, used, limit);
  if (timeout != NULL) {
    struct timespec after;
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t left = limit - ((int64_t)(after.tv_sec - before.tv_sec) * 1000000000 +
                            (after.tv_nsec - before.tv_nsec));
    if (left < 0) left = 0;
    timeout->tv_sec = left / 1000000000;
    timeout->tv_usec = left % 1000000000 / 1000;
  }
  if (result < 0) return (int)answer(result);
  int found = 0;
  for (int i = 0; i < used; i++) {
    int descriptor = interests[i].descriptor;
    short wanted = interests[i].events;
    short is = interests[i].returned;
    if (wanted & POLLIN) {
      if (is & in) found++; else FD_CLR(descriptor, readable);
    }
    if (wanted & POLLOUT) {
      if (is & out) found++; else FD_CLR(descriptor, writable);
    }
    if (wanted & POLLPRI) {
      if (is & POLLPRI) found++; else FD_CLR(descriptor, exceptional);
    }
  }
  return found;
}

int sockets_epoll_create(int size) {
  return (int)answer(size <= 0 ? -EINVAL : berkeley_epoll_create());
}

int sockets_epoll_create1(int flags) {
  return (int)answer(flags & ~EPOLL_CLOEXEC ? -EINVAL : berkeley_epoll_create());
}

int sockets_epoll_ctl(int instance, int operation, int descriptor, struct epoll_event *event) {
  if (event == NULL && operation != EPOLL_CTL_DEL) return (int)answer(-EFAULT);
  uint32_t events = event == NULL ? 0 : event->events;
  uint64_t data = event == NULL ? 0 : event->data.u64;
  return (int)answer(berkeley_epoll_control(instance, operation, descriptor, events, data));
}

int sockets_epoll_wait(int instance, struct epoll_event *events, int count, int timeout) {
  if (count <= 0 || count > 1 << 24) return (int)answer(-EINVAL);
  if (events == NULL) return (int)answer(-EFAULT);
  return (int)answer(berkeley_epoll_wait(
      instance, (struct berkeley_event *)events, count, nanoseconds_of_milliseconds(timeout)));
}

int sockets_fcntl(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  long value = va_arg(arguments, long);
  va_end(arguments);
  return sockets_fcntl_value(descriptor, command, value);
}

int sockets_fcntl_value(int descriptor, int command, long value) {
  int is = berkeley_is_non_blocking(descriptor);
  if (is < 0) return (int)answer(is);
  switch (command) {
    case F_GETFL: return O_RDWR | (is ? O_NONBLOCK : 0);
    case F_SETFL:
      return (int)answer(berkeley_set_non_blocking(descriptor, ((int)value & O_NONBLOCK) != 0));
    // No descriptor of ours is there after exec.
    case F_GETFD: return FD_CLOEXEC;
    case F_SETFD: return 0;
    default: return (int)answer(-EINVAL);
  }
}

int sockets_ioctl(int descriptor, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *value = va_arg(arguments, void *);
  va_end(arguments);
  return sockets_ioctl_value(descriptor, request, value);
}

int sockets_ioctl_value(int descriptor, unsigned long request, void *value) {
  if (!berkeley_is_descriptor(descriptor)) return (int)answer(-EBADF);
  int result;
  switch (request) {
    case FIONBIO:
      if (value == NULL) return (int)answer(-EFAULT);
      return (int)answer(berkeley_set_non_blocking(descriptor, *(int *)value != 0));
    case FIOCLEX:
    case FIONCLEX: return 0;
    case FIONREAD: result = berkeley_readable_bytes(descriptor); break;
    case TIOCOUTQ: result = berkeley_unacknowledged_bytes(descriptor); break;
    case SIOCOUTQNSD: result = berkeley_unsent_bytes(descriptor); break;
    // There is no urgent data: see the options' list.
    case SIOCATMARK: result = 0; break;
    default: return (int)answer(-ENOTTY);
  }
  if (result < 0) return (int)answer(result);
  if (value == NULL) return (int)answer(-EFAULT);
  *(int *)value = result;
  return 0;
}
