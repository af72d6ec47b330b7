#define _FILE_OFFSET_BITS 64
#define _GNU_SOURCE
#include "CLinuxSockets.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// Neither splice nor sendfile has a flag against SIGPIPE: the thread keeps it off for the length of
// a call, and takes away what the call has left.

struct silence {
  sigset_t pipe;
  sigset_t usual;
  int was_pending;
};

static void begin_silence(struct silence *silence) {
  sigset_t pending;
  sigemptyset(&silence->pipe);
  sigaddset(&silence->pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &silence->pipe, &silence->usual);
  // One that waits because the thread's owner keeps it off is the owner's.
  silence->was_pending = sigismember(&silence->usual, SIGPIPE) && sigpending(&pending) == 0 &&
                         sigismember(&pending, SIGPIPE);
}

static ssize_t end_silence(struct silence *silence, ssize_t result) {
  int reason = errno;
  if (result < 0 && reason == EPIPE && !silence->was_pending) {
    struct timespec none = {0};
    while (sigtimedwait(&silence->pipe, NULL, &none) < 0 && errno == EINTR) {}
  }
  pthread_sigmask(SIG_SETMASK, &silence->usual, NULL);
  errno = reason;
  return result;
}

int clinux_pipe(int ends[2], int size) {
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  // Where the user may have no more of such memory, it stays as it is.
  fcntl(ends[1], F_SETPIPE_SZ, size);
  return 0;
}

ssize_t clinux_splice_in(int descriptor, int pipe, size_t count) {
  return splice(descriptor, NULL, pipe, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

ssize_t clinux_splice_out(int pipe, int descriptor, size_t count) {
  struct silence silence;
  begin_silence(&silence);
  return end_silence(
      &silence, splice(pipe, NULL, descriptor, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

ssize_t clinux_send_file(int descriptor, int file, int64_t offset, size_t count) {
  struct silence silence;
  off_t place = offset;
  begin_silence(&silence);
  return end_silence(&silence, sendfile(descriptor, file, &place, count));
}

int clinux_is_cached(int file, int64_t offset) {
  char byte;
  struct iovec vector = {.iov_base = &byte, .iov_len = 1};
  return preadv2(file, &vector, 1, offset, RWF_NOWAIT) >= 0;
}
