#define _GNU_SOURCE
#include "CLinuxLocal.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(
    CLINUX_LOCAL_NAME == sizeof(((struct sockaddr_un *)0)->sun_path), "room for a name");

union control {
  char bytes[CMSG_SPACE(CLINUX_DESCRIPTORS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
  struct cmsghdr align;
};

// A path is ended by a zero where there is room for one; an abstract name begins with one, and its
// length is part of it (unix(7)).
static socklen_t to_kernel(const uint8_t *name, size_t length, struct sockaddr_un *to) {
  memset(to, 0, sizeof *to);
  to->sun_family = AF_UNIX;
  if (length > CLINUX_LOCAL_NAME) length = CLINUX_LOCAL_NAME;
  memcpy(to->sun_path, name, length);
  if (length > 0 && length < CLINUX_LOCAL_NAME && name[0] != 0) length += 1;
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static size_t from_kernel(const struct sockaddr_un *from, socklen_t size, uint8_t *name) {
  if (size <= offsetof(struct sockaddr_un, sun_path)) return 0;
  size_t length = size - offsetof(struct sockaddr_un, sun_path);
  if (length > CLINUX_LOCAL_NAME) length = CLINUX_LOCAL_NAME;
  if (from->sun_path[0] != 0) length = strnlen(from->sun_path, length);
  memcpy(name, from->sun_path, length);
  return length;
}

static int type(int kind) {
  switch (kind) {
    case CLINUX_LOCAL_STREAM: return SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    case CLINUX_LOCAL_PACKETS: return SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
    default: return SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  }
}

int clinux_local_socket(int kind) { return socket(AF_UNIX, type(kind), 0); }

int clinux_local_pair(int kind, int descriptors[2]) {
  return socketpair(AF_UNIX, type(kind), 0, descriptors);
}

int clinux_local_bind(int descriptor, const uint8_t *name, size_t length) {
  struct sockaddr_un address;
  socklen_t size = to_kernel(name, length, &address);
  return bind(descriptor, (struct sockaddr *)&address, size);
}

int clinux_local_connect(int descriptor, const uint8_t *name, size_t length) {
  struct sockaddr_un address;
  socklen_t size = to_kernel(name, length, &address);
  return connect(descriptor, (struct sockaddr *)&address, size);
}

int clinux_local_accept(int descriptor) {
  return accept4(descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

ssize_t clinux_local_name(int descriptor, int of_peer, uint8_t name[CLINUX_LOCAL_NAME]) {
  struct sockaddr_un address;
  socklen_t size = sizeof address;
  int result = of_peer ? getpeername(descriptor, (struct sockaddr *)&address, &size)
                       : getsockname(descriptor, (struct sockaddr *)&address, &size);
  return result == 0 ? (ssize_t)from_kernel(&address, size, name) : -1;
}

int clinux_local_credentials(int descriptor, struct clinux_credentials *credentials) {
  struct ucred kernel;
  socklen_t size = sizeof kernel;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &kernel, &size) != 0) return -1;
  credentials->process = kernel.pid;
  credentials->user = kernel.uid;
  credentials->group = kernel.gid;
  return 0;
}

ssize_t clinux_local_send(
    int descriptor, const void *bytes, size_t count, const uint8_t *name, size_t length,
    const int *passed, unsigned passed_count) {
  struct sockaddr_un address;
  union control control;
  struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (length > 0) {
    message.msg_name = &address;
    message.msg_namelen = to_kernel(name, length, &address);
  }
  if (passed_count > CLINUX_DESCRIPTORS) {
    errno = EINVAL;
    return -1;
  }
  if (passed_count > 0) {
    size_t size = passed_count * sizeof(int);
    memset(&control, 0, sizeof control);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), passed, size);
  }
  return sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t clinux_local_receive(
    int descriptor, void *bytes, size_t capacity, uint8_t name[CLINUX_LOCAL_NAME], int *passed,
    unsigned passed_capacity, struct clinux_local_message *facts) {
  struct sockaddr_un address;
  union control control;
  struct iovec vector = {.iov_base = bytes, .iov_len = capacity};
  struct msghdr message = {
      .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &vector, .msg_iovlen = 1,
      .msg_control = &control, .msg_controllen = sizeof control};
  facts->descriptor_count = 0;
  facts->flags = 0;
  ssize_t result = recvmsg(descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (result < 0) return result;
  facts->name_length = (uint32_t)from_kernel(&address, message.msg_namelen, name);
  if (message.msg_flags & MSG_TRUNC) facts->flags |= CLINUX_LOCAL_TRUNCATED;
  if (message.msg_flags & MSG_CTRUNC) facts->flags |= CLINUX_LOCAL_DESCRIPTORS_LOST;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < count; index++) {
      int number;
      memcpy(&number, CMSG_DATA(header) + index * sizeof(int), sizeof number);
      // None is left open that nobody hears of.
      if (facts->descriptor_count < passed_capacity) {
        passed[facts->descriptor_count++] = number;
      } else {
        close(number);
        facts->flags |= CLINUX_LOCAL_DESCRIPTORS_LOST;
      }
    }
  }
  return result;
}
