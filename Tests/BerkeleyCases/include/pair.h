/// What libsockets does between two nodes of one process. Each function answers with a complaint,
/// empty where all is well.
#ifndef SWIFT_SOCKETS_CASES_PAIR_H
#define SWIFT_SOCKETS_CASES_PAIR_H

const char *run_stream(long count);
const char *run_threads(int threads, int rounds);
const char *run_refused(void);
const char *run_deferral(void);
const char *run_linger(void);
const char *run_close_while_waiting(void);
const char *run_signals(void);
const char *run_batches(void);
const char *run_names(void);
const char *run_groups(void);
const char *run_raw(void);

#endif
