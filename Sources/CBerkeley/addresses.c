#define _GNU_SOURCE
#include "internal.h"

#include <netinet/in.h>

static uint64_t half(const uint8_t *octets) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value = value << 8 | octets[i];
  return value;
}

static void put_half(uint64_t value, uint8_t *octets) {
  for (int i = 7; i >= 0; i--, value >>= 8) octets[i] = (uint8_t)value;
}

int read_address(
    const struct sockaddr *given, socklen_t length, int family, struct berkeley_address *address) {
  struct sockaddr_storage storage;
  memset(address, 0, sizeof *address);
  memset(&storage, 0, sizeof storage);
  if ((int)length < 0 || length > sizeof storage) return -EINVAL;
  if (length > 0 && given == NULL) return -EFAULT;
  if (length < sizeof given->sa_family) return -EINVAL;
  memcpy(&storage, given, length);
  if (storage.ss_family == AF_UNSPEC) return 0;
  if (family == 4) {
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&storage;
    if (length < sizeof *ipv4) return -EINVAL;
    if (ipv4->sin_family != AF_INET) return -EAFNOSUPPORT;
    address->family = 4;
    address->low = ntohl(ipv4->sin_addr.s_addr);
    address->port = ntohs(ipv4->sin_port);
    return 0;
  }
  const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&storage;
  // Without sin6_scope_id, as in RFC 2133.
  if (length < 24) return -EINVAL;
  if (ipv6->sin6_family != AF_INET6) return -EAFNOSUPPORT;
  address->family = 6;
  address->high = half(ipv6->sin6_addr.s6_addr);
  address->low = half(ipv6->sin6_addr.s6_addr + 8);
  address->port = ntohs(ipv6->sin6_port);
  address->zone = ipv6->sin6_scope_id;
  return 0;
}

int read_raw_address(
    const struct sockaddr *given, socklen_t length, int family, struct berkeley_address *address) {
  struct sockaddr_storage storage;
  if ((int)length < 0 || length > sizeof storage) return -EINVAL;
  if (length > 0 && given == NULL) return -EFAULT;
  if (length < sizeof given->sa_family) return -EINVAL;
  memcpy(&storage, given, length);
  storage.ss_family = family == 4 ? AF_INET : AF_INET6;
  return read_address((struct sockaddr *)&storage, length, family, address);
}

int write_address(
    const struct berkeley_address *address, int family, struct sockaddr *target,
    socklen_t *length) {
  if (length == NULL) return -EFAULT;
  if ((int)*length < 0) return -EINVAL;
  if (target == NULL) return -EFAULT;
  struct sockaddr_storage storage;
  memset(&storage, 0, sizeof storage);
  socklen_t whole;
  if (family == 4) {
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&storage;
    ipv4->sin_family = AF_INET;
    ipv4->sin_addr.s_addr = htonl((uint32_t)address->low);
    ipv4->sin_port = htons(address->port);
    whole = sizeof *ipv4;
  } else {
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&storage;
    ipv6->sin6_family = AF_INET6;
    if (address->family == 4) {
      put_half((uint64_t)0xffff << 32 | address->low, ipv6->sin6_addr.s6_addr + 8);
    } else {
      put_half(address->high, ipv6->sin6_addr.s6_addr);
      put_half(address->low, ipv6->sin6_addr.s6_addr + 8);
      ipv6->sin6_scope_id = address->zone;
    }
    ipv6->sin6_port = htons(address->port);
    whole = sizeof *ipv6;
  }
  memcpy(target, &storage, *length < whole ? *length : whole);
  *length = whole;
  return 0;
}

int64_t nanoseconds_of_milliseconds(int timeout) {
  return timeout < 0 ? -1 : (int64_t)timeout * 1000000;
}
