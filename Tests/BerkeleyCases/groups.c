#include "calls.h"

#include <arpa/inet.h>

// Groups on the interface with number 1. IPv6 has them without a datagram, for Linux's loopback
// interface has no way to them.

static struct in_addr ipv4(const char *text) {
  struct in_addr address;
  inet_pton(AF_INET, text, &address);
  return address;
}

static struct ip_mreqn group(const char *text) {
  return (struct ip_mreqn){.imr_multiaddr = ipv4(text), .imr_ifindex = 1};
}

static struct ip_mreq_source pair(struct run *run, const char *group, const char *source) {
  return (struct ip_mreq_source){ipv4(group), ipv4(run->address), ipv4(source)};
}

static void put(struct sockaddr_storage *target, int level, const char *text) {
  memset(target, 0, sizeof *target);
  if (level == IPPROTO_IP) {
    target->ss_family = AF_INET;
    inet_pton(AF_INET, text, &((struct sockaddr_in *)target)->sin_addr);
  } else {
    target->ss_family = AF_INET6;
    inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)target)->sin6_addr);
  }
}

static struct group_req common(int level, const char *group) {
  struct group_req request = {.gr_interface = 1};
  put(&request.gr_group, level, group);
  return request;
}

static struct group_source_req common_pair(int level, const char *group, const char *source) {
  struct group_source_req request = {.gsr_interface = 1};
  put(&request.gsr_group, level, group);
  put(&request.gsr_source, level, source);
  return request;
}

#define SET(option, value) CALL(setsockopt, s, level, option, &value, sizeof value)

static void older(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_DGRAM, 0), level = IPPROTO_IP;
  struct ip_mreqn one = group("239.1.2.3");
  SET(IP_DROP_MEMBERSHIP, one);
  SET(IP_ADD_MEMBERSHIP, one);
  SET(IP_ADD_MEMBERSHIP, one);
  // A socket that is in groups is not bound by that.
  struct sockaddr_in local = loopback(0);
  note(run, "port %d\n", port_of(run, s));
  CALL(bind, s, ADDRESS(local));
  SET(IP_ADD_MEMBERSHIP, one);
  SET(IP_DROP_MEMBERSHIP, one);
  SET(IP_DROP_MEMBERSHIP, one);
  struct ip_mreqn none = group("10.1.2.3");
  SET(IP_ADD_MEMBERSHIP, none);
  SET(IP_DROP_MEMBERSHIP, none);
  one.imr_ifindex = 77;
  SET(IP_ADD_MEMBERSHIP, one);
  SET(IP_DROP_MEMBERSHIP, one);
  one.imr_ifindex = -1;
  SET(IP_ADD_MEMBERSHIP, one);
  // By an address, with and without room for a number.
  struct ip_mreq by_address = {ipv4("239.1.2.3"), ipv4(run->address)};
  SET(IP_ADD_MEMBERSHIP, by_address);
  one.imr_ifindex = 1;
  SET(IP_ADD_MEMBERSHIP, one);
  SET(IP_DROP_MEMBERSHIP, by_address);
  by_address.imr_interface = ipv4("198.51.100.77");
  SET(IP_ADD_MEMBERSHIP, by_address);
  SET(IP_DROP_MEMBERSHIP, by_address);
  CALL(setsockopt, s, level, IP_ADD_MEMBERSHIP, &one, 7);
  CALL(setsockopt, s, level, IP_ADD_MEMBERSHIP, NULL, sizeof one);
  socklen_t length = sizeof one;
  CALL(getsockopt, s, level, IP_ADD_MEMBERSHIP, &one, &length);
  for (int i = 0; i < 22; i++) {
    one.imr_multiaddr.s_addr = htonl(0xEF010200u + (unsigned)i);
    SET(IP_ADD_MEMBERSHIP, one);
  }
  CALL(close, s);
}

static void older_sources(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_DGRAM, 0), level = IPPROTO_IP;
  struct ip_mreq_source one = pair(run, "239.1.2.3", "192.0.2.1");
  struct ip_mreq_source other = pair(run, "239.1.2.3", "192.0.2.2");
  struct ip_mreqn whole = group("239.1.2.3");
  SET(IP_BLOCK_SOURCE, one);
  SET(IP_UNBLOCK_SOURCE, one);
  SET(IP_DROP_SOURCE_MEMBERSHIP, one);
  SET(IP_ADD_SOURCE_MEMBERSHIP, one);
  SET(IP_ADD_SOURCE_MEMBERSHIP, one);
  SET(IP_ADD_SOURCE_MEMBERSHIP, other);
  SET(IP_ADD_MEMBERSHIP, whole);
  SET(IP_BLOCK_SOURCE, one);
  SET(IP_UNBLOCK_SOURCE, one);
  SET(IP_DROP_SOURCE_MEMBERSHIP, one);
  SET(IP_DROP_SOURCE_MEMBERSHIP, one);
  SET(IP_DROP_SOURCE_MEMBERSHIP, other);
  SET(IP_DROP_SOURCE_MEMBERSHIP, other);
  SET(IP_DROP_MEMBERSHIP, whole);
  // A membership for all is turned into one for some as long as nobody was blocked.
  SET(IP_ADD_MEMBERSHIP, whole);
  SET(IP_ADD_SOURCE_MEMBERSHIP, one);
  SET(IP_BLOCK_SOURCE, other);
  SET(IP_DROP_MEMBERSHIP, whole);
  SET(IP_ADD_MEMBERSHIP, whole);
  SET(IP_UNBLOCK_SOURCE, one);
  SET(IP_BLOCK_SOURCE, one);
  SET(IP_BLOCK_SOURCE, one);
  SET(IP_ADD_SOURCE_MEMBERSHIP, other);
  SET(IP_UNBLOCK_SOURCE, other);
  SET(IP_UNBLOCK_SOURCE, one);
  SET(IP_UNBLOCK_SOURCE, one);
  SET(IP_ADD_SOURCE_MEMBERSHIP, other);
  SET(IP_DROP_SOURCE_MEMBERSHIP, other);
  for (int i = 0; i < 12; i++) {
    one.imr_sourceaddr.s_addr = htonl(0xC0000200u + (unsigned)i);
    SET(IP_BLOCK_SOURCE, one);
  }
  SET(IP_DROP_MEMBERSHIP, whole);
  one = pair(run, "10.1.2.3", "192.0.2.1");
  SET(IP_ADD_SOURCE_MEMBERSHIP, one);
  SET(IP_BLOCK_SOURCE, one);
  one = pair(run, "239.1.2.3", "192.0.2.1");
  one.imr_interface = ipv4("198.51.100.77");
  SET(IP_ADD_SOURCE_MEMBERSHIP, one);
  SET(IP_BLOCK_SOURCE, one);
  CALL(setsockopt, s, level, IP_ADD_SOURCE_MEMBERSHIP, &one, 11);
  CALL(setsockopt, s, level, IP_ADD_SOURCE_MEMBERSHIP, NULL, sizeof one);
  CALL(close, s);
}

/// RFC 3678 §5: the same options for both versions.
static void sequence(
    struct run *run, int s, int level, const char *name, const char *first, const char *second) {
  struct group_req whole = common(level, name);
  struct group_source_req one = common_pair(level, name, first);
  struct group_source_req other = common_pair(level, name, second);
  SET(MCAST_LEAVE_GROUP, whole);
  SET(MCAST_BLOCK_SOURCE, one);
  SET(MCAST_LEAVE_SOURCE_GROUP, one);
  SET(MCAST_JOIN_GROUP, whole);
  SET(MCAST_JOIN_GROUP, whole);
  SET(MCAST_UNBLOCK_SOURCE, one);
  SET(MCAST_BLOCK_SOURCE, one);
  SET(MCAST_BLOCK_SOURCE, one);
  SET(MCAST_BLOCK_SOURCE, other);
  SET(MCAST_JOIN_SOURCE_GROUP, other);
  SET(MCAST_LEAVE_SOURCE_GROUP, other);
  SET(MCAST_UNBLOCK_SOURCE, one);
  SET(MCAST_LEAVE_GROUP, whole);
  SET(MCAST_LEAVE_GROUP, whole);
  SET(MCAST_JOIN_SOURCE_GROUP, one);
  SET(MCAST_JOIN_SOURCE_GROUP, one);
  SET(MCAST_JOIN_SOURCE_GROUP, other);
  SET(MCAST_JOIN_GROUP, whole);
  SET(MCAST_BLOCK_SOURCE, one);
  SET(MCAST_LEAVE_SOURCE_GROUP, one);
  SET(MCAST_LEAVE_SOURCE_GROUP, one);
  SET(MCAST_LEAVE_SOURCE_GROUP, other);
  SET(MCAST_LEAVE_SOURCE_GROUP, other);
  // Turned round, though what was asked for is refused; then it hears nobody.
  SET(MCAST_JOIN_GROUP, whole);
  SET(MCAST_LEAVE_SOURCE_GROUP, one);
  SET(MCAST_JOIN_GROUP, whole);
  SET(MCAST_BLOCK_SOURCE, one);
  SET(MCAST_LEAVE_GROUP, whole);
  SET(MCAST_JOIN_SOURCE_GROUP, one);
  SET(MCAST_LEAVE_GROUP, whole);
  whole.gr_interface = one.gsr_interface = 77;
  SET(MCAST_JOIN_GROUP, whole);
  SET(MCAST_LEAVE_GROUP, whole);
  SET(MCAST_JOIN_SOURCE_GROUP, one);
  SET(MCAST_BLOCK_SOURCE, one);
  whole = common(level, first);
  one = common_pair(level, first, second);
  SET(MCAST_JOIN_GROUP, whole);
  SET(MCAST_LEAVE_GROUP, whole);
  SET(MCAST_JOIN_SOURCE_GROUP, one);
  SET(MCAST_UNBLOCK_SOURCE, one);
  whole.gr_group.ss_family = AF_UNIX;
  SET(MCAST_JOIN_GROUP, whole);
  one = common_pair(level, name, first);
  one.gsr_source.ss_family = AF_UNIX;
  SET(MCAST_JOIN_SOURCE_GROUP, one);
  CALL(setsockopt, s, level, MCAST_JOIN_GROUP, &whole, sizeof whole - 1);
  CALL(setsockopt, s, level, MCAST_BLOCK_SOURCE, &one, sizeof one - 1);
  CALL(setsockopt, s, level, MCAST_JOIN_GROUP, NULL, sizeof whole);
  socklen_t length = sizeof whole;
  CALL(getsockopt, s, level, MCAST_JOIN_GROUP, &whole, &length);
}

static void sources(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  sequence(run, s, IPPROTO_IP, "239.1.2.3", "192.0.2.1", "192.0.2.2");
  struct group_req whole = common(IPPROTO_IPV6, "ff15::77");
  int level = IPPROTO_IPV6;
  SET(MCAST_JOIN_GROUP, whole);
  CALL(close, s);
  s = OPEN(socket, AF_INET6, SOCK_DGRAM, 0);
  sequence(run, s, IPPROTO_IPV6, "ff15::77", "2001:db8::1", "2001:db8::2");
  // One that speaks both versions is in groups of both.
  sequence(run, s, IPPROTO_IP, "239.1.2.3", "192.0.2.1", "192.0.2.2");
  struct ipv6_mreq older = {.ipv6mr_interface = 1};
  inet_pton(AF_INET6, "ff15::77", &older.ipv6mr_multiaddr);
  SET(IPV6_DROP_MEMBERSHIP, older);
  SET(IPV6_ADD_MEMBERSHIP, older);
  SET(IPV6_ADD_MEMBERSHIP, older);
  older.ipv6mr_interface = 0;
  SET(IPV6_ADD_MEMBERSHIP, older);
  SET(IPV6_DROP_MEMBERSHIP, older);
  older.ipv6mr_interface = 77;
  SET(IPV6_ADD_MEMBERSHIP, older);
  SET(IPV6_DROP_MEMBERSHIP, older);
  inet_pton(AF_INET6, "2001:db8::77", &older.ipv6mr_multiaddr);
  SET(IPV6_ADD_MEMBERSHIP, older);
  SET(IPV6_DROP_MEMBERSHIP, older);
  CALL(setsockopt, s, level, IPV6_ADD_MEMBERSHIP, &older, sizeof older - 1);
  CALL(close, s);
  s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  struct ip_mreqn one = group("239.1.2.3");
  level = IPPROTO_IP;
  SET(IP_ADD_MEMBERSHIP, one);
  CALL(close, s);
}

/// Sets a filter of `count` sources, and writes down what there is then.
static void filter(
    struct run *run, int s, int level, const char *name, uint32_t mode, uint32_t count,
    socklen_t length) {
  union {
    struct group_filter filter;
    uint8_t bytes[GROUP_FILTER_SIZE(65)];
  } request, found;
  memset(&request, 0, sizeof request);
  request.filter.gf_interface = 1;
  put(&request.filter.gf_group, level, name);
  request.filter.gf_fmode = mode;
  request.filter.gf_numsrc = count;
  for (uint32_t i = 0; i < count && i < 20; i++) {
    char source[32];
    snprintf(source, sizeof source, level == IPPROTO_IP ? "192.0.2.%u" : "2001:db8::%u", i + 1);
    struct sockaddr_storage address;
    put(&address, level, source);
    memcpy(request.bytes + GROUP_FILTER_SIZE(0) + i * sizeof address, &address, sizeof address);
  }
  if (length == 0) length = GROUP_FILTER_SIZE(count);
  note(run, "%s, mode %u, %u sources, %d bytes\n", name, mode, count, (int)length);
  CALL(setsockopt, s, level, MCAST_MSFILTER, &request, length);
  for (uint32_t room = 0; room < 4; room += 3) {
    memset(&found, 0, sizeof found);
    found.filter.gf_interface = 1;
    found.filter.gf_group = request.filter.gf_group;
    found.filter.gf_numsrc = room;
    length = GROUP_FILTER_SIZE(room);
    if (CALL(getsockopt, s, level, MCAST_MSFILTER, &found, &length) != 0) continue;
    note(run, "mode %u, %u sources, %d bytes\n", found.filter.gf_fmode, found.filter.gf_numsrc,
         (int)length);
    for (size_t i = GROUP_FILTER_SIZE(0); i < length; i++)
      if (found.bytes[i] != 0) note(run, " %02x", found.bytes[i]);
    note(run, "\n");
  }
}

static void filters(struct run *run) {
  const int levels[] = {IPPROTO_IP, IPPROTO_IPV6};
  const char *const names[] = {"239.1.2.3", "ff15::77"};
  const char *const sources[] = {"192.0.2.1", "2001:db8::1"};
  for (int i = 0; i < 2; i++) {
    int level = levels[i];
    int s = OPEN(socket, i == 0 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
    struct group_req whole = common(level, names[i]);
    struct group_source_req one = common_pair(level, names[i], sources[i]);
    filter(run, s, level, names[i], MCAST_EXCLUDE, 2, 0);
    SET(MCAST_JOIN_GROUP, whole);
    filter(run, s, level, names[i], MCAST_EXCLUDE, 2, 0);
    SET(MCAST_UNBLOCK_SOURCE, one);
    filter(run, s, level, names[i], MCAST_INCLUDE, 3, 0);
    SET(MCAST_BLOCK_SOURCE, one);
    SET(MCAST_LEAVE_SOURCE_GROUP, one);
    filter(run, s, level, names[i], 7, 1, 0);
    filter(run, s, level, names[i], MCAST_INCLUDE, 2, GROUP_FILTER_SIZE(1));
    filter(run, s, level, names[i], MCAST_INCLUDE, 2, GROUP_FILTER_SIZE(0) - 1);
    filter(run, s, level, names[i], MCAST_INCLUDE, 65, 0);
    filter(run, s, level, sources[i], MCAST_INCLUDE, 1, 0);
    filter(run, s, level, names[1 - i], MCAST_INCLUDE, 1, 0);
    filter(run, s, level, names[i], MCAST_EXCLUDE, 0, 0);
    SET(MCAST_JOIN_SOURCE_GROUP, one);
    filter(run, s, level, names[i], MCAST_INCLUDE, 0, 0);
    SET(MCAST_LEAVE_GROUP, whole);
    CALL(close, s);
  }
  int s = OPEN(socket, AF_INET, SOCK_DGRAM, 0), level = IPPROTO_IP;
  struct ip_mreqn one = group("239.1.2.3");
  SET(IP_ADD_MEMBERSHIP, one);
  struct ip_msfilter older = {ipv4("239.1.2.3"), ipv4(run->address), MCAST_INCLUDE, 1,
                              {ipv4("192.0.2.1")}};
  SET(IP_MSFILTER, older);
  older.imsf_fmode = 7;
  socklen_t length = sizeof older;
  CALL(getsockopt, s, level, IP_MSFILTER, &older, &length);
  note(run, "mode %u, %u sources, %x, %d bytes\n", older.imsf_fmode, older.imsf_numsrc,
       older.imsf_slist[0].s_addr, (int)length);
  older.imsf_interface = ipv4("198.51.100.77");
  SET(IP_MSFILTER, older);
  CALL(close, s);
}

/// Sends a datagram from `sender` to the group, and writes down who hears it.
static void ask(struct run *run, const char *text, int sender, int port, const int *hearers) {
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                               .sin_addr = ipv4("239.1.2.3")};
  char bytes[16];
  CALL(sendto, sender, text, strlen(text), 0, ADDRESS(target));
  for (int i = 0; i < 2; i++) {
    ssize_t count = run->calls->recv(hearers[i], bytes, sizeof bytes, MSG_DONTWAIT);
    note(run, "%s: %d hears %d\n", text, i, (int)count);
  }
}

static void hearing(struct run *run) {
  int on = 1, level = IPPROTO_IP;
  int a = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  int b = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  int sender = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  const int hearers[] = {a, b};
  struct sockaddr_in local = {.sin_family = AF_INET};
  CALL(setsockopt, a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  CALL(bind, a, ADDRESS(local));
  int port = port_of(run, a);
  local.sin_port = htons((uint16_t)port);
  CALL(bind, b, ADDRESS(local));
  CALL(setsockopt, b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  CALL(bind, b, ADDRESS(local));
  local.sin_port = 0;
  local.sin_addr = ipv4(run->address);
  CALL(bind, sender, ADDRESS(local));
  struct ip_mreqn whole = group("239.1.2.3");
  struct ip_mreq_source here = pair(run, "239.1.2.3", run->address);
  struct ip_mreq_source there = pair(run, "239.1.2.3", "192.0.2.1");
  int s = a;
  SET(IP_ADD_MEMBERSHIP, whole);
  s = b;
  SET(IP_ADD_SOURCE_MEMBERSHIP, there);
  ask(run, "first", sender, port, hearers);
  SET(IP_ADD_SOURCE_MEMBERSHIP, here);
  ask(run, "second", sender, port, hearers);
  s = a;
  SET(IP_BLOCK_SOURCE, here);
  ask(run, "third", sender, port, hearers);
  SET(IP_UNBLOCK_SOURCE, here);
  s = b;
  SET(IP_DROP_SOURCE_MEMBERSHIP, here);
  ask(run, "fourth", sender, port, hearers);
  SET(IP_DROP_MEMBERSHIP, whole);
  s = a;
  CALL(close, a);
  CALL(close, b);
  CALL(close, sender);
}

static void sending(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_DGRAM, 0), level = IPPROTO_IP;
  struct in_addr address = ipv4(run->address), told;
  struct ip_mreqn by_number = {.imr_ifindex = 1};
  struct ip_mreq by_address = {ipv4("239.1.2.3"), address};
  socklen_t length = sizeof told;
  CALL(getsockopt, s, level, IP_MULTICAST_IF, &told, &length);
  note(run, "nothing: %d in %d\n", told.s_addr == 0, (int)length);
  SET(IP_MULTICAST_IF, address);
  CALL(getsockopt, s, level, IP_MULTICAST_IF, &told, &length);
  note(run, "the address: %d\n", told.s_addr == address.s_addr);
  SET(IP_MULTICAST_IF, by_number);
  CALL(getsockopt, s, level, IP_MULTICAST_IF, &told, &length);
  note(run, "the address of a number: %d\n", told.s_addr == 0);
  SET(IP_MULTICAST_IF, by_address);
  length = 2;
  CALL(getsockopt, s, level, IP_MULTICAST_IF, &told, &length);
  note(run, "shorter: %d\n", (int)length);
  address = ipv4("198.51.100.77");
  SET(IP_MULTICAST_IF, address);
  by_number.imr_ifindex = 77;
  SET(IP_MULTICAST_IF, by_number);
  address = ipv4("0.0.0.0");
  SET(IP_MULTICAST_IF, address);
  CALL(setsockopt, s, level, IP_MULTICAST_IF, &address, 3);
  CALL(setsockopt, s, level, IP_MULTICAST_IF, NULL, sizeof address);
  CALL(close, s);
  s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  SET(IP_MULTICAST_IF, address);
  CALL(close, s);
  s = OPEN(socket, AF_INET6, SOCK_DGRAM, 0);
  address = ipv4(run->address);
  SET(IP_MULTICAST_IF, address);
  CALL(close, s);
}

const struct named_case group_cases[] = {
    {"groups", older},
    {"groups and sources", older_sources},
    {"groups and sources of both versions", sources},
    {"all sources of a group at a time", filters},
    {"the interface that groups are sent to by", sending},
    {"who hears what is sent to a group", hearing},
    {NULL, NULL}};
