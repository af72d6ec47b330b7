/// The same sequences of calls on Linux's sockets and on libsockets' over the loopback interface,
/// each written down line by line: what was called, the result, errno.
#ifndef SWIFT_SOCKETS_CASES_H
#define SWIFT_SOCKETS_CASES_H

#include <stddef.h>

int cases_count(void);
/// Whether Linux lets only root make the case's sockets.
int cases_need_root(int number);
const char *cases_name(int number);
/// Runs a case on Linux or on libsockets' first open node; writes the lines, and zero after them.
void cases_run(int number, int on_linux, char *transcript, size_t size);
/// Makes `count` calls that follow from the seed, and waits for `patience` microseconds after each.
void cases_run_random(unsigned long seed, int count, int patience, int on_linux, char *transcript,
                      size_t size);

#endif
