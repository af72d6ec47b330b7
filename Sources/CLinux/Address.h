/// Addresses in the kernel's form, and back.
#ifndef SWIFT_SOCKETS_CLINUX_ADDRESS_H
#define SWIFT_SOCKETS_CLINUX_ADDRESS_H

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "CLinuxSockets.h"

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static inline socklen_t to_kernel(const struct clinux_address *from, union address *to) {
  memset(to, 0, sizeof *to);
  if (from->family == 4) {
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = htons(from->port);
    to->v4.sin_addr.s_addr = htonl((uint32_t)from->low);
    return sizeof to->v4;
  }
  to->v6.sin6_family = AF_INET6;
  to->v6.sin6_port = htons(from->port);
  to->v6.sin6_scope_id = from->zone;
  for (int byte = 0; byte < 8; byte++) {
    to->v6.sin6_addr.s6_addr[byte] = (uint8_t)(from->high >> (56 - 8 * byte));
    to->v6.sin6_addr.s6_addr[8 + byte] = (uint8_t)(from->low >> (56 - 8 * byte));
  }
  return sizeof to->v6;
}

static inline void from_in6(const struct in6_addr *from, struct clinux_address *to) {
  to->high = 0;
  to->low = 0;
  for (int byte = 0; byte < 8; byte++) {
    to->high = to->high << 8 | from->s6_addr[byte];
    to->low = to->low << 8 | from->s6_addr[8 + byte];
  }
}

static inline void from_kernel(const union address *from, struct clinux_address *to) {
  memset(to, 0, sizeof *to);
  if (from->any.sa_family == AF_INET) {
    to->family = 4;
    to->port = ntohs(from->v4.sin_port);
    to->low = ntohl(from->v4.sin_addr.s_addr);
  } else if (from->any.sa_family == AF_INET6) {
    to->family = 6;
    to->port = ntohs(from->v6.sin6_port);
    to->zone = from->v6.sin6_scope_id;
    from_in6(&from->v6.sin6_addr, to);
  }
}

#endif
