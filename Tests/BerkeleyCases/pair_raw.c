#define _GNU_SOURCE
#include "include/pair.h"

#include "nodes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <string.h>

// Raw sockets of two nodes. What is expected is what Linux answered to the same calls as root.

enum { experimental = 253 };

static struct sockaddr_in of_node(int number) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(0x0A000000u + (unsigned)number);
  return address;
}

static const char *ipv4_packets(void) {
  int sender = sockets_socket_on(nodes[0], AF_INET, SOCK_RAW, experimental);
  int hearer = sockets_socket_on(nodes[1], AF_INET, SOCK_RAW, experimental);
  CHECK(sender >= 0 && hearer >= 0);
  struct sockaddr_in there = of_node(2), from;
  socklen_t length = sizeof from;
  CHECK(sockets_getsockname(hearer, (struct sockaddr *)&from, &length) == 0);
  CHECK(from.sin_port == htons(experimental));
  CHECK(sockets_send(sender, "x", 1, 0) == -1 && errno == EDESTADDRREQ);
  CHECK(sockets_sendto(sender, "hello", 5, 0, ADDRESS(there)) == 5);
  uint8_t packet[256];
  length = sizeof from;
  // Blocks until it arrives.
  CHECK(sockets_recvfrom(hearer, packet, 256, 0, (struct sockaddr *)&from, &length) == 25);
  CHECK(from.sin_addr.s_addr == of_node(1).sin_addr.s_addr && from.sin_port == 0);
  CHECK(packet[0] == 0x45 && packet[9] == experimental && memcmp(packet + 20, "hello", 5) == 0);
  int on = 1;
  CHECK(sockets_setsockopt(sender, IPPROTO_IP, IP_HDRINCL, &on, sizeof on) == 0);
  struct ip header = {.ip_v = 4, .ip_hl = 5, .ip_ttl = 3, .ip_p = experimental,
                      .ip_dst = there.sin_addr};
  CHECK(sockets_sendto(sender, &header, sizeof header, 0, ADDRESS(there)) == 20);
  CHECK(sockets_recv(hearer, packet, 256, 0) == 20 && packet[8] == 3);
  CHECK(packet[12] == 10 && packet[15] == 1 && packet[3] == 20);
  CHECK(sockets_sendto(sender, &header, 19, 0, ADDRESS(there)) == -1 && errno == EINVAL);
  // What it was connected to is all that it hears.
  CHECK(sockets_connect(hearer, ADDRESS(there)) == 0);
  CHECK(sockets_sendto(sender, &header, sizeof header, 0, ADDRESS(there)) == 20);
  struct sockaddr_in here = of_node(1), nobody = {.sin_family = AF_UNSPEC};
  here.sin_port = htons(5);
  struct pollfd interest = {hearer, POLLIN, 0};
  CHECK(sockets_poll(&interest, 1, 20) == 0);
  CHECK(sockets_connect(hearer, ADDRESS(here)) == 0);
  length = sizeof from;
  CHECK(sockets_getpeername(hearer, (struct sockaddr *)&from, &length) == 0);
  CHECK(from.sin_port == htons(5));
  CHECK(sockets_sendto(sender, &header, sizeof header, 0, ADDRESS(there)) == 20);
  CHECK(sockets_poll(&interest, 1, 60000) == 1 && interest.revents == POLLIN);
  CHECK(sockets_recv(hearer, packet, 256, 0) == 20);
  CHECK(sockets_send(hearer, "back", 4, 0) == 4);
  CHECK(sockets_recv(sender, packet, 256, 0) == 24);
  CHECK(sockets_connect(hearer, ADDRESS(nobody)) == 0);
  CHECK(sockets_send(hearer, "x", 1, 0) == -1 && errno == EDESTADDRREQ);
  CHECK(sockets_close(sender) == 0 && sockets_close(hearer) == 0);
  CHECK(sockets_recv(hearer, packet, 256, 0) == -1 && errno == EBADF);
  return "";
}

static const char *pings(void) {
  int pinger = sockets_socket_on(nodes[0], AF_INET, SOCK_RAW, IPPROTO_ICMP);
  struct sockaddr_in there = of_node(2);
  const uint8_t request[] = {8, 0, 0xaf, 0xc3, 'i', 'd', 0, 7, 'p', 'i', 'n', 'g'};
  CHECK(sockets_sendto(pinger, request, sizeof request, 0, ADDRESS(there)) == 12);
  uint8_t packet[256];
  CHECK(sockets_recv(pinger, packet, sizeof packet, 0) == 32);
  CHECK(packet[20] == 0 && memcmp(packet + 24, request + 4, 8) == 0);
  int pinger6 = sockets_socket_on(nodes[0], AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  uint32_t filter[8];
  memset(filter, 0xff, sizeof filter);
  // Type 129, the reply, is let through.
  filter[4] &= ~2u;
  CHECK(sockets_setsockopt(pinger6, IPPROTO_ICMPV6, 1, filter, sizeof filter) == 0);
  struct sockaddr_in6 peer = {.sin6_family = AF_INET6};
  inet_pton(AF_INET6, "fd00::2", &peer.sin6_addr);
  // The node keeps the checksum.
  const uint8_t request6[] = {128, 0, 0, 0, 'i', 'd', 0, 7, 'p', 'i', 'n', 'g'};
  CHECK(sockets_sendto(pinger6, request6, sizeof request6, 0, ADDRESS(peer)) == 12);
  CHECK(sockets_recv(pinger6, packet, sizeof packet, 0) == 12);
  CHECK(packet[0] == 129 && memcmp(packet + 4, request6 + 4, 8) == 0);
  CHECK(sockets_close(pinger) == 0 && sockets_close(pinger6) == 0);
  return "";
}

/// An error is told to the socket whose packet it is about, not to another one with its peer.
static const char *refusals(void) {
  int bound = sockets_socket_on(nodes[0], AF_INET, SOCK_RAW, experimental);
  int connected = sockets_socket_on(nodes[0], AF_INET, SOCK_RAW, experimental);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in second = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
  CHECK(sockets_bind(bound, ADDRESS(second)) == 0);
  CHECK(sockets_connect(connected, ADDRESS(here)) == 0);
  CHECK(sockets_sendto(bound, "stranger", 8, 0, ADDRESS(here)) == 8);
  char byte;
  CHECK(sockets_recv(connected, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
  CHECK(sockets_recv(bound, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
  return "";
}

const char *run_raw(void) {
  PAIR;
  CHECK(sockets_socket_on(nodes[0], AF_INET, SOCK_RAW, 0) == -1 && errno == EPROTONOSUPPORT);
  CHECK(sockets_socket_on(nodes[0], AF_INET6, SOCK_RAW, 0) == -1 && errno == EPROTONOSUPPORT);
  const char *complaint = ipv4_packets();
  if (*complaint == 0) complaint = pings();
  return *complaint == 0 ? refusals() : complaint;
}
