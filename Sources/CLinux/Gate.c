#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clinux_gate_wait(uint32_t *gate, int64_t deadline) {
  struct timespec time = {deadline / 1000000000, deadline % 1000000000};
  while (__atomic_load_n(gate, __ATOMIC_ACQUIRE) == 0) {
    // With a timeout the kernel never restarts the wait after a signal handler has run.
    long result = syscall(
        SYS_futex, gate, FUTEX_WAIT_BITSET_PRIVATE, 0, deadline < 0 ? NULL : &time, NULL,
        FUTEX_BITSET_MATCH_ANY);
    if (result != 0 && errno != EAGAIN) return -1;
  }
  return 0;
}

void clinux_gate_open(uint32_t *gate) {
  if (__atomic_exchange_n(gate, 1, __ATOMIC_RELEASE) == 0)
    syscall(SYS_futex, gate, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

void clinux_gate_close(uint32_t *gate) { __atomic_store_n(gate, 0, __ATOMIC_RELEASE); }
