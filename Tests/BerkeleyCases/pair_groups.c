#define _GNU_SOURCE
#include "include/pair.h"

#include "nodes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

// What comes of RFC 3678's options on a link, of both versions.

enum { port = 5000 };

static const char *const groups[] = {"239.1.2.3", "ff15::77"};
static const char *const senders[] = {"10.0.0.1", "fd00::1"};
static const char *const strangers[] = {"192.0.2.1", "2001:db8::1"};

static socklen_t put(struct sockaddr_storage *target, int is_ipv6, const char *text) {
  memset(target, 0, sizeof *target);
  if (is_ipv6) {
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)target;
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(port);
    inet_pton(AF_INET6, text, &ipv6->sin6_addr);
    return sizeof *ipv6;
  }
  struct sockaddr_in *ipv4 = (struct sockaddr_in *)target;
  ipv4->sin_family = AF_INET;
  ipv4->sin_port = htons(port);
  inet_pton(AF_INET, text, &ipv4->sin_addr);
  return sizeof *ipv4;
}

static int join(int socket, int is_ipv6, int option) {
  struct group_req request = {.gr_interface = 1};
  put(&request.gr_group, is_ipv6, groups[is_ipv6]);
  return sockets_setsockopt(
      socket, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, option, &request, sizeof request);
}

static int change(int socket, int is_ipv6, int option, const char *source) {
  struct group_source_req request = {.gsr_interface = 1};
  put(&request.gsr_group, is_ipv6, groups[is_ipv6]);
  put(&request.gsr_source, is_ipv6, source);
  return sockets_setsockopt(
      socket, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, option, &request, sizeof request);
}

/// Sends to the group, then to the receiver alone: whether the first was heard.
static int is_heard(int sender, int receiver, int is_ipv6) {
  struct sockaddr_storage target;
  char text[8];
  socklen_t length = put(&target, is_ipv6, groups[is_ipv6]);
  if (sockets_sendto(sender, "all", 3, 0, (struct sockaddr *)&target, length) != 3) return -1;
  length = put(&target, is_ipv6, is_ipv6 ? "fd00::2" : "10.0.0.2");
  if (sockets_sendto(sender, "you", 3, 0, (struct sockaddr *)&target, length) != 3) return -1;
  if (sockets_recv(receiver, text, sizeof text, 0) != 3) return -1;
  if (memcmp(text, "you", 3) == 0) return 0;
  return sockets_recv(receiver, text, sizeof text, 0) == 3 ? 1 : -1;
}

static const char *run_version(int v) {
  int receiver = sockets_socket_on(nodes[1], v ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
  int sender = sockets_socket_on(nodes[0], v ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_storage local;
  socklen_t length = put(&local, v, v ? "::" : "0.0.0.0");
  // Joined before it is bound, it is in the group afterwards, too.
  CHECK(join(receiver, v, MCAST_JOIN_GROUP) == 0);
  CHECK(sockets_bind(receiver, (struct sockaddr *)&local, length) == 0);
  CHECK(is_heard(sender, receiver, v) == 1);
  CHECK(change(receiver, v, MCAST_BLOCK_SOURCE, strangers[v]) == 0);
  CHECK(is_heard(sender, receiver, v) == 1);
  CHECK(change(receiver, v, MCAST_BLOCK_SOURCE, senders[v]) == 0);
  CHECK(is_heard(sender, receiver, v) == 0);
  CHECK(change(receiver, v, MCAST_UNBLOCK_SOURCE, senders[v]) == 0);
  CHECK(is_heard(sender, receiver, v) == 1);
  CHECK(join(receiver, v, MCAST_LEAVE_GROUP) == 0);
  CHECK(is_heard(sender, receiver, v) == 0);
  CHECK(change(receiver, v, MCAST_JOIN_SOURCE_GROUP, strangers[v]) == 0);
  CHECK(is_heard(sender, receiver, v) == 0);
  CHECK(change(receiver, v, MCAST_JOIN_SOURCE_GROUP, senders[v]) == 0);
  CHECK(is_heard(sender, receiver, v) == 1);
  CHECK(change(receiver, v, MCAST_LEAVE_SOURCE_GROUP, senders[v]) == 0);
  CHECK(is_heard(sender, receiver, v) == 0);
  CHECK(change(receiver, v, MCAST_LEAVE_SOURCE_GROUP, strangers[v]) == 0);
  CHECK(join(receiver, v, MCAST_LEAVE_GROUP) == -1 && errno == EADDRNOTAVAIL);
  // What the stack has no room for is refused, and all stays as it was.
  CHECK(change(receiver, v, MCAST_JOIN_SOURCE_GROUP, senders[v]) == 0);
  int result = 0;
  for (int i = 2; i < 32 && result == 0; i++) {
    char source[32];
    snprintf(source, sizeof source, v ? "2001:db8::%d" : "192.0.2.%d", i);
    result = change(receiver, v, MCAST_JOIN_SOURCE_GROUP, source);
  }
  CHECK(result == -1 && errno == ENOBUFS);
  CHECK(is_heard(sender, receiver, v) == 1);
  // A sender that can be none.
  CHECK(join(receiver, v, MCAST_LEAVE_GROUP) == 0);
  CHECK(change(receiver, v, MCAST_JOIN_SOURCE_GROUP, groups[v]) == -1 && errno == EINVAL);
  CHECK(join(receiver, v, MCAST_LEAVE_GROUP) == -1 && errno == EADDRNOTAVAIL);
  CHECK(sockets_close(receiver) == 0 && sockets_close(sender) == 0);
  return "";
}

const char *run_groups(void) {
  PAIR;
  const char *complaint = run_version(0);
  return *complaint == 0 ? run_version(1) : complaint;
}
