#define _GNU_SOURCE
#include "internal.h"

#include <netinet/in.h>

// Options about multicast groups: ip(7)'s, ipv6(7)'s, and those of RFC 3678 for both.

static int is_older(int name) {
  return name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP;
}

static int is_older_with_source(int name) {
  return name == IP_ADD_SOURCE_MEMBERSHIP || name == IP_DROP_SOURCE_MEMBERSHIP ||
      name == IP_BLOCK_SOURCE || name == IP_UNBLOCK_SOURCE;
}

static int is_common(int name) { return name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP; }

static int is_common_with_source(int name) {
  return name == MCAST_JOIN_SOURCE_GROUP || name == MCAST_LEAVE_SOURCE_GROUP ||
      name == MCAST_BLOCK_SOURCE || name == MCAST_UNBLOCK_SOURCE;
}

int is_group_option(int descriptor, int level, int name) {
  if (level == IPPROTO_IP)
    return name == IP_MULTICAST_IF || is_older(name) || is_older_with_source(name) || is_common(name) ||
        is_common_with_source(name);
  if (level != IPPROTO_IPV6 || berkeley_family(descriptor) != 6) return 0;
  return name == IPV6_ADD_MEMBERSHIP || name == IPV6_DROP_MEMBERSHIP || is_common(name) ||
      is_common_with_source(name);
}

static int change(int level, int name) {
  if (level == IPPROTO_IPV6 && name == IPV6_ADD_MEMBERSHIP) return BERKELEY_JOIN_GROUP;
  if (level == IPPROTO_IPV6 && name == IPV6_DROP_MEMBERSHIP) return BERKELEY_LEAVE_GROUP;
  switch (name) {
    case IP_ADD_MEMBERSHIP:
    case MCAST_JOIN_GROUP: return BERKELEY_JOIN_GROUP;
    case IP_DROP_MEMBERSHIP:
    case MCAST_LEAVE_GROUP: return BERKELEY_LEAVE_GROUP;
    case IP_ADD_SOURCE_MEMBERSHIP:
    case MCAST_JOIN_SOURCE_GROUP: return BERKELEY_JOIN_SOURCE;
    case IP_DROP_SOURCE_MEMBERSHIP:
    case MCAST_LEAVE_SOURCE_GROUP: return BERKELEY_LEAVE_SOURCE;
    case IP_BLOCK_SOURCE:
    case MCAST_BLOCK_SOURCE: return BERKELEY_BLOCK_SOURCE;
    default: return BERKELEY_UNBLOCK_SOURCE;
  }
}

static struct berkeley_address ipv4(struct in_addr address) {
  return (struct berkeley_address){.family = 4, .low = ntohl(address.s_addr)};
}

/// struct ip_mreq, or struct ip_mreqn, which is longer.
static int read_older(
    const void *value, socklen_t length, struct berkeley_group_request *request) {
  struct ip_mreqn given;
  memset(&given, 0, sizeof given);
  if (length < sizeof(struct ip_mreq)) return -EINVAL;
  if (value == NULL) return -EFAULT;
  memcpy(&given, value, length < sizeof given ? sizeof(struct ip_mreq) : sizeof given);
  request->group = ipv4(given.imr_multiaddr);
  request->interface_index = (uint32_t)given.imr_ifindex;
  if (given.imr_address.s_addr != 0) request->local = ipv4(given.imr_address);
  return 0;
}

static int read_older_with_source(
    const void *value, socklen_t length, struct berkeley_group_request *request) {
  struct ip_mreq_source given;
  if (length != sizeof given) return -EINVAL;
  if (value == NULL) return -EFAULT;
  memcpy(&given, value, sizeof given);
  request->group = ipv4(given.imr_multiaddr);
  request->source = ipv4(given.imr_sourceaddr);
  if (given.imr_interface.s_addr != 0) request->local = ipv4(given.imr_interface);
  return 0;
}

static int read_ipv6(
    const void *value, socklen_t length, struct berkeley_group_request *request) {
  struct ipv6_mreq given;
  if (length < sizeof given) return -EINVAL;
  if (value == NULL) return -EFAULT;
  memcpy(&given, value, sizeof given);
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = given.ipv6mr_multiaddr};
  request->interface_index = given.ipv6mr_interface;
  return read_address((struct sockaddr *)&address, sizeof address, 6, &request->group);
}

static int read_common(
    int level, const void *value, socklen_t length, struct berkeley_group_request *request) {
  struct group_req given;
  if (length < sizeof given) return -EINVAL;
  if (value == NULL) return -EFAULT;
  memcpy(&given, value, sizeof given);
  int is_ipv4 = level == IPPROTO_IP;
  if (given.gr_group.ss_family != (is_ipv4 ? AF_INET : AF_INET6))
    return is_ipv4 ? -EINVAL : -EADDRNOTAVAIL;
  request->interface_index = given.gr_interface;
  return read_address(
      (struct sockaddr *)&given.gr_group, sizeof given.gr_group, is_ipv4 ? 4 : 6,
      &request->group);
}

static int read_common_with_source(
    int level, const void *value, socklen_t length, struct berkeley_group_request *request) {
  struct group_source_req given;
  if (length < sizeof given) return -EINVAL;
  if (value == NULL) return -EFAULT;
  memcpy(&given, value, sizeof given);
  int family = level == IPPROTO_IP ? AF_INET : AF_INET6;
  if (given.gsr_group.ss_family != family || given.gsr_source.ss_family != family)
    return -EADDRNOTAVAIL;
  request->interface_index = given.gsr_interface;
  int version = family == AF_INET ? 4 : 6;
  int result = read_address(
      (struct sockaddr *)&given.gsr_group, sizeof given.gsr_group, version, &request->group);
  if (result < 0) return result;
  return read_address(
      (struct sockaddr *)&given.gsr_source, sizeof given.gsr_source, version, &request->source);
}

/// IP_MULTICAST_IF: struct in_addr, or one of the longer ones that begin with a group.
static int set_interface(int descriptor, const void *value, socklen_t length) {
  struct ip_mreqn given;
  memset(&given, 0, sizeof given);
  if (berkeley_kind(descriptor) == BERKELEY_STREAM) return -EINVAL;
  if (length < sizeof given.imr_address) return -EINVAL;
  if (value == NULL) return -EFAULT;
  if (length >= sizeof(struct ip_mreq)) {
    memcpy(&given, value, length < sizeof given ? sizeof(struct ip_mreq) : sizeof given);
  } else {
    memcpy(&given.imr_address, value, sizeof given.imr_address);
  }
  struct berkeley_address local = ipv4(given.imr_address);
  return berkeley_choose_interface(
      descriptor, (uint32_t)given.imr_ifindex, given.imr_address.s_addr == 0 ? NULL : &local);
}

int set_group(int descriptor, int level, int name, const void *value, socklen_t length) {
  struct berkeley_group_request request;
  memset(&request, 0, sizeof request);
  int result;
  if (level == IPPROTO_IP && name == IP_MULTICAST_IF)
    return set_interface(descriptor, value, length);
  if (berkeley_kind(descriptor) == BERKELEY_STREAM) return -EPROTO;
  if (is_common(name)) {
    result = read_common(level, value, length, &request);
  } else if (is_common_with_source(name)) {
    result = read_common_with_source(level, value, length, &request);
  } else if (level == IPPROTO_IPV6) {
    result = read_ipv6(value, length, &request);
  } else if (is_older(name)) {
    result = read_older(value, length, &request);
  } else {
    result = read_older_with_source(value, length, &request);
  }
  if (result < 0) return result;
  return berkeley_change_group(descriptor, change(level, name), &request);
}
