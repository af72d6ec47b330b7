#define _GNU_SOURCE
#include "include/CLinuxNames.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static int classify(int reason) {
  switch (reason) {
  case EAI_NONAME: return CLINUX_NAME_NOT_FOUND;
#ifdef EAI_NODATA
  case EAI_NODATA: return CLINUX_NAME_HAS_NO_DATA;
#endif
#ifdef EAI_ADDRFAMILY
  case EAI_ADDRFAMILY: return CLINUX_NAME_HAS_NO_DATA;
#endif
  default: return CLINUX_NAME_FAILED;
  }
}

static uint64_t big_endian(const uint8_t *bytes, int count) {
  uint64_t value = 0;
  for (int index = 0; index < count; index++) value = value << 8 | bytes[index];
  return value;
}

int clinux_look_up(
    const char *name, struct clinux_address *addresses, int capacity, const char **complaint) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  *complaint = "";
  int reason = getaddrinfo(name, NULL, &hints, &list);
  if (reason != 0) {
    *complaint = gai_strerror(reason);
    return classify(reason);
  }
  int count = 0;
  for (struct addrinfo *entry = list; entry != NULL && count < capacity; entry = entry->ai_next) {
    struct clinux_address address = {0};
    if (entry->ai_family == AF_INET && entry->ai_addrlen >= sizeof(struct sockaddr_in)) {
      struct sockaddr_in four;
      memcpy(&four, entry->ai_addr, sizeof four);
      address.family = 4;
      address.low = big_endian((const uint8_t *)&four.sin_addr, 4);
    } else if (entry->ai_family == AF_INET6 && entry->ai_addrlen >= sizeof(struct sockaddr_in6)) {
      struct sockaddr_in6 six;
      memcpy(&six, entry->ai_addr, sizeof six);
      address.family = 6;
      address.high = big_endian(six.sin6_addr.s6_addr, 8);
      address.low = big_endian(six.sin6_addr.s6_addr + 8, 8);
      address.zone = six.sin6_scope_id;
    } else {
      continue;
    }
    addresses[count++] = address;
  }
  freeaddrinfo(list);
  return count > 0 ? count : CLINUX_NAME_HAS_NO_DATA;
}
