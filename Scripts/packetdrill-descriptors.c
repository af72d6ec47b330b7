// packetdrill hands the C library a few descriptors of the stack under test: it closes what a
// script left open, and asks for TCP_INFO. Preloaded beside libsockets.so, this passes them on.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "sockets.h"

int close(int descriptor) {
  static int (*next)(int);
  if (sockets_is_descriptor(descriptor)) return sockets_close(descriptor);
  if (next == NULL) next = dlsym(RTLD_NEXT, "close");
  return next(descriptor);
}

int getsockopt(int descriptor, int level, int name, void *value, socklen_t *length) {
  static int (*next)(int, int, int, void *, socklen_t *);
  if (sockets_is_descriptor(descriptor))
    return sockets_getsockopt(descriptor, level, name, value, length);
  if (next == NULL) next = dlsym(RTLD_NEXT, "getsockopt");
  return next(descriptor, level, name, value, length);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t count) {
  static ssize_t (*next)(int, int, off_t *, size_t);
  if (!sockets_is_descriptor(to)) {
    if (next == NULL) next = dlsym(RTLD_NEXT, "sendfile");
    return next(to, from, offset, count);
  }
  char bytes[65536];
  if (count > sizeof bytes) count = sizeof bytes;
  ssize_t got = offset == NULL ? read(from, bytes, count) : pread(from, bytes, count, *offset);
  if (got <= 0) return got;
  ssize_t sent = sockets_write(to, bytes, (size_t)got);
  if (sent > 0 && offset != NULL) *offset += sent;
  return sent;
}
