#define _GNU_SOURCE
#include "internal.h"

#include <netinet/in.h>

// IP_MSFILTER and MCAST_MSFILTER: all sources of a group at a time (RFC 3678 §4.2 and §5.2).

/// Linux's igmp_max_msf and mld_max_msf.
enum { most_ipv4 = 10, most_ipv6 = 64 };

/// Either of the two, taken apart.
struct filter {
  struct berkeley_group_request request;
  uint32_t mode, count;
  /// Where the sources begin, and what each takes.
  size_t head, step;
};

int is_sources_option(int descriptor, int level, int name) {
  if (level == IPPROTO_IP) return name == IP_MSFILTER || name == MCAST_MSFILTER;
  return level == IPPROTO_IPV6 && name == MCAST_MSFILTER && berkeley_family(descriptor) == 6;
}

static int read_filter(
    int level, int name, const void *value, socklen_t length, struct filter *filter) {
  memset(filter, 0, sizeof *filter);
  if (name == IP_MSFILTER) {
    struct ip_msfilter given;
    filter->head = IP_MSFILTER_SIZE(0);
    filter->step = sizeof(struct in_addr);
    if (length < filter->head) return -EINVAL;
    if (value == NULL) return -EFAULT;
    memcpy(&given, value, filter->head);
    filter->request.group.family = 4;
    filter->request.group.low = ntohl(given.imsf_multiaddr.s_addr);
    if (given.imsf_interface.s_addr != 0) {
      filter->request.local.family = 4;
      filter->request.local.low = ntohl(given.imsf_interface.s_addr);
    }
    filter->mode = given.imsf_fmode;
    filter->count = given.imsf_numsrc;
    return 0;
  }
  struct group_filter given;
  filter->head = GROUP_FILTER_SIZE(0);
  filter->step = sizeof(struct sockaddr_storage);
  if (length < filter->head) return -EINVAL;
  if (value == NULL) return -EFAULT;
  memcpy(&given, value, filter->head);
  filter->mode = given.gf_fmode;
  filter->count = given.gf_numsrc;
  filter->request.interface_index = given.gf_interface;
  int is_ipv4 = level == IPPROTO_IP;
  if (given.gf_group.ss_family != (is_ipv4 ? AF_INET : AF_INET6)) return -EADDRNOTAVAIL;
  return read_address(
      (struct sockaddr *)&given.gf_group, sizeof given.gf_group, is_ipv4 ? 4 : 6,
      &filter->request.group);
}

static int read_source(
    int level, const struct filter *filter, const uint8_t *place, struct berkeley_address *source) {
  if (filter->step == sizeof(struct in_addr)) {
    struct in_addr given;
    memcpy(&given, place, sizeof given);
    memset(source, 0, sizeof *source);
    source->family = 4;
    source->low = ntohl(given.s_addr);
    return 0;
  }
  struct sockaddr_storage given;
  memcpy(&given, place, sizeof given);
  if (given.ss_family != (level == IPPROTO_IP ? AF_INET : AF_INET6)) return -EADDRNOTAVAIL;
  return read_address((struct sockaddr *)&given, sizeof given, level == IPPROTO_IP ? 4 : 6, source);
}

int set_sources(int descriptor, int level, int name, const void *value, socklen_t length) {
  struct filter filter;
  struct berkeley_address sources[most_ipv6];
  if (berkeley_kind(descriptor) == BERKELEY_STREAM) return -EPROTO;
  int family = read_filter(level, name, value, length, &filter);
  if (family < 0 && family != -EADDRNOTAVAIL) return family;
  if (filter.count > (level == IPPROTO_IP ? most_ipv4 : most_ipv6)) return -ENOBUFS;
  if (filter.head + filter.count * filter.step > length) return -EINVAL;
  if (family < 0) return family;
  for (uint32_t i = 0; i < filter.count; i++) {
    const uint8_t *place = (const uint8_t *)value + filter.head + i * filter.step;
    int result = read_source(level, &filter, place, &sources[i]);
    if (result < 0) return result;
  }
  if (filter.mode != MCAST_INCLUDE && filter.mode != MCAST_EXCLUDE) return -EINVAL;
  return berkeley_set_sources(
      descriptor, &filter.request, filter.mode == MCAST_EXCLUDE, sources, (int)filter.count);
}

int get_sources(int descriptor, int level, int name, void *value, socklen_t *length) {
  struct filter filter;
  struct berkeley_address sources[most_ipv6];
  int is_exclude = 0;
  if (length == NULL) return -EFAULT;
  if ((int)*length < 0) return -EINVAL;
  int result = read_filter(level, name, value, *length, &filter);
  if (result < 0) return result;
  int count = berkeley_get_sources(
      descriptor, &filter.request, &is_exclude, sources, most_ipv6);
  if (count < 0) return count;
  // As many as there is room for; the number tells how many there are.
  uint32_t room = (uint32_t)((*length - filter.head) / filter.step);
  uint32_t told = filter.count < room ? filter.count : room;
  if ((uint32_t)count < told) told = (uint32_t)count;
  for (uint32_t i = 0; i < told; i++) {
    uint8_t *place = (uint8_t *)value + filter.head + i * filter.step;
    if (filter.step == sizeof(struct in_addr)) {
      uint32_t octets = htonl((uint32_t)sources[i].low);
      memcpy(place, &octets, sizeof octets);
    } else {
      struct sockaddr_storage source;
      socklen_t size = sizeof source;
      memset(&source, 0, sizeof source);
      write_address(&sources[i], level == IPPROTO_IP ? 4 : 6, (struct sockaddr *)&source, &size);
      memcpy(place, &source, sizeof source);
    }
  }
  uint32_t mode = is_exclude ? MCAST_EXCLUDE : MCAST_INCLUDE, number = (uint32_t)count;
  if (name == IP_MSFILTER) {
    memcpy((uint8_t *)value + offsetof(struct ip_msfilter, imsf_fmode), &mode, sizeof mode);
    memcpy((uint8_t *)value + offsetof(struct ip_msfilter, imsf_numsrc), &number, sizeof number);
  } else {
    memcpy((uint8_t *)value + offsetof(struct group_filter, gf_fmode), &mode, sizeof mode);
    memcpy((uint8_t *)value + offsetof(struct group_filter, gf_numsrc), &number, sizeof number);
  }
  *length = (socklen_t)(filter.head + told * filter.step);
  return 0;
}
