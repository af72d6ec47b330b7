#define _GNU_SOURCE
#include "internal.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>

/// A service in figures, or by its name in /etc/services: its port, or an error of getaddrinfo.
static int port_of(const char *service, int kind, int is_numeric) {
  if (service == NULL) return 0;
  char *end;
  unsigned long number = strtoul(service, &end, 10);
  if (*service >= '0' && *service <= '9' && *end == 0)
    return number <= 65535 ? (int)number : EAI_SERVICE;
  if (is_numeric) return EAI_NONAME;
  struct servent entry, *found = NULL;
  char memory[1024];
  const char *protocol = kind == SOCK_DGRAM ? "udp" : "tcp";
  getservbyname_r(service, protocol, &entry, memory, sizeof memory, &found);
  return found == NULL ? EAI_SERVICE : ntohs((uint16_t)found->s_port);
}

static int append(
    struct addrinfo ***tail, int family, int kind, const void *address, uint32_t zone, int port) {
  struct addrinfo *entry = calloc(1, sizeof *entry + sizeof(struct sockaddr_in6));
  if (entry == NULL) return EAI_MEMORY;
  entry->ai_family = family;
  entry->ai_socktype = kind;
  entry->ai_protocol = kind == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
  entry->ai_addr = (struct sockaddr *)(entry + 1);
  if (family == AF_INET) {
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)entry->ai_addr;
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons((uint16_t)port);
    memcpy(&ipv4->sin_addr, address, sizeof ipv4->sin_addr);
    entry->ai_addrlen = sizeof *ipv4;
  } else {
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)entry->ai_addr;
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons((uint16_t)port);
    ipv6->sin6_scope_id = zone;
    memcpy(&ipv6->sin6_addr, address, sizeof ipv6->sin6_addr);
    entry->ai_addrlen = sizeof *ipv6;
  }
  **tail = entry;
  *tail = &entry->ai_next;
  return 0;
}

/// IPv6 before IPv4, and streams before datagrams, as far as they were asked for.
static int append_all(
    struct addrinfo ***tail, const struct addrinfo *hints, const char *service,
    const struct in6_addr *ipv6, uint32_t zone, const struct in_addr *ipv4) {
  static const int kinds[] = {SOCK_STREAM, SOCK_DGRAM};
  int result = EAI_NONAME;
  for (int family = 0; family < 2; family++) {
    const void *address = family == 0 ? (const void *)ipv6 : (const void *)ipv4;
    int number = family == 0 ? AF_INET6 : AF_INET;
    if (address == NULL || (hints->ai_family != AF_UNSPEC && hints->ai_family != number)) continue;
    for (int i = 0; i < 2; i++) {
      if (hints->ai_socktype != 0 && hints->ai_socktype != kinds[i]) continue;
      if (hints->ai_protocol != 0 &&
          hints->ai_protocol != (kinds[i] == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP))
        continue;
      int port = port_of(service, kinds[i], hints->ai_flags & AI_NUMERICSERV);
      if (port < 0) {
        if (result != 0) result = port;
        continue;
      }
      int failure = append(tail, number, kinds[i], address, zone, port);
      if (failure != 0) return failure;
      result = 0;
    }
  }
  return result;
}

int sockets_getaddrinfo(
    const char *host, const char *service, const struct addrinfo *hints,
    struct addrinfo **result) {
  static const struct addrinfo none;
  if (hints == NULL) hints = &none;
  *result = NULL;
  if (host == NULL && service == NULL) return EAI_NONAME;
  if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
      hints->ai_family != AF_INET6)
    return EAI_FAMILY;
  if (hints->ai_socktype != 0 && hints->ai_socktype != SOCK_STREAM &&
      hints->ai_socktype != SOCK_DGRAM)
    return EAI_SOCKTYPE;
  struct in6_addr ipv6;
  struct in_addr ipv4;
  const struct in6_addr *has_ipv6 = NULL;
  const struct in_addr *has_ipv4 = NULL;
  uint32_t zone = 0;
  if (host == NULL || strcmp(host, "localhost") == 0) {
    int is_passive = host == NULL && hints->ai_flags & AI_PASSIVE;
    ipv6 = is_passive ? in6addr_any : in6addr_loopback;
    ipv4.s_addr = htonl(is_passive ? INADDR_ANY : INADDR_LOOPBACK);
    has_ipv6 = &ipv6;
    has_ipv4 = &ipv4;
  } else if (inet_aton(host, &ipv4)) {
    has_ipv4 = &ipv4;
  } else {
    char text[64];
    const char *percent = strchr(host, '%');
    size_t length = percent == NULL ? strlen(host) : (size_t)(percent - host);
    if (length < sizeof text) {
      memcpy(text, host, length);
      text[length] = 0;
      if (inet_pton(AF_INET6, text, &ipv6) == 1) has_ipv6 = &ipv6;
    }
    if (has_ipv6 != NULL && percent != NULL) {
      char *end;
      zone = (uint32_t)strtoul(percent + 1, &end, 10);
      if (end == percent + 1 || *end != 0) return EAI_NONAME;
    }
  }
  if (has_ipv6 == NULL && has_ipv4 == NULL) return EAI_NONAME;
  if (hints->ai_family == AF_INET6 && has_ipv6 == NULL) return EAI_ADDRFAMILY;
  if (hints->ai_family == AF_INET && has_ipv4 == NULL) return EAI_ADDRFAMILY;
  struct addrinfo **tail = result;
  int failure = append_all(&tail, hints, service, has_ipv6, zone, has_ipv4);
  if (failure == 0 && hints->ai_flags & AI_CANONNAME) {
    (*result)->ai_canonname = strdup(host == NULL ? "" : host);
    if ((*result)->ai_canonname == NULL) failure = EAI_MEMORY;
  }
  if (failure != 0) {
    sockets_freeaddrinfo(*result);
    *result = NULL;
  }
  return failure;
}

void sockets_freeaddrinfo(struct addrinfo *result) {
  while (result != NULL) {
    struct addrinfo *next = result->ai_next;
    free(result->ai_canonname);
    free(result);
    result = next;
  }
}
