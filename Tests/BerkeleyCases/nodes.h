/// What cases on two nodes have in common: 10.0.0.1 and fd00::1, 10.0.0.2 and fd00::2.
#ifndef SWIFT_SOCKETS_CASES_NODES_H
#define SWIFT_SOCKETS_CASES_NODES_H

#include "check.h"
#include "sockets.h"

static int nodes[2];

/// Closes the nodes when a check fails, too.
static void close_nodes(int *unused) {
  (void)unused;
  sockets_close_node(nodes[0]);
  sockets_close_node(nodes[1]);
}
#define PAIR \
  __attribute__((cleanup(close_nodes), unused)) int scope = sockets_open_pair(nodes); \
  CHECK(scope == 0)

#endif
