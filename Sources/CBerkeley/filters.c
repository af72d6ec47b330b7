#define _GNU_SOURCE
#include "internal.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>

// ICMP6_FILTER of raw sockets of IPv6 (RFC 3542 §3.2).

int is_filter_level(int descriptor, int level) {
  return level == IPPROTO_ICMPV6 && berkeley_family(descriptor) == 6 &&
      berkeley_kind(descriptor) == BERKELEY_RAW;
}

int set_filter(int descriptor, int name, const void *value, socklen_t length) {
  struct icmp6_filter filter;
  int result = berkeley_get_filter(descriptor, filter.icmp6_filt);
  if (result < 0) return result;
  if (name != ICMP6_FILTER) return -ENOPROTOOPT;
  // What the caller says nothing about stays.
  if (length > sizeof filter) length = sizeof filter;
  if (length > 0 && value == NULL) return -EFAULT;
  if (length > 0) memcpy(&filter, value, length);
  return berkeley_set_filter(descriptor, filter.icmp6_filt);
}

int get_filter(int descriptor, int name, void *value, socklen_t *length) {
  struct icmp6_filter filter;
  int result = berkeley_get_filter(descriptor, filter.icmp6_filt);
  if (result < 0) return result;
  if (name != ICMP6_FILTER) return -ENOPROTOOPT;
  if (length == NULL) return -EFAULT;
  if ((int)*length < 0) return -EINVAL;
  if (*length > sizeof filter) *length = sizeof filter;
  if (*length > 0 && value == NULL) return -EFAULT;
  if (*length > 0) memcpy(value, &filter, *length);
  return 0;
}
