#include "calls.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

// Raw sockets, which Linux gives to root alone. Over the loopback interface, whose packets arrive
// before the call that sends them is over.

enum { experimental = 253 };

static void name(struct run *run, int s) {
  struct sockaddr_in6 address;
  socklen_t length = sizeof address;
  memset(&address, 0, sizeof address);
  CALL(getsockname, s, (struct sockaddr *)&address, &length);
  note(run, "port %d length %d last byte %d\n", ntohs(address.sin6_port), (int)length,
       length == 16 ? ((uint8_t *)&address)[7] : address.sin6_addr.s6_addr[15]);
  length = sizeof address;
  if (CALL(getpeername, s, (struct sockaddr *)&address, &length) == 0)
    note(run, "peer's port %d length %d\n", ntohs(address.sin6_port), (int)length);
}

static void kinds(struct run *run) {
  CALL(socket, AF_INET, SOCK_RAW, 0);
  CALL(socket, AF_INET6, SOCK_RAW, 0);
  CALL(socket, AF_INET, SOCK_RAW, 263);
  CALL(socket, AF_INET, SOCK_RAW, -1);
  int s = OPEN(socket, AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
  char bytes[16];
  int number = -7;
  socklen_t length = sizeof number;
  CALL(recv, s, bytes, sizeof bytes, 0);
  CALL(getsockopt, s, SOL_SOCKET, SO_TYPE, &number, &length);
  note(run, "type %d\n", number);
  CALL(getsockopt, s, SOL_SOCKET, SO_PROTOCOL, &number, &length);
  note(run, "protocol %d\n", number);
  name(run, s);
  CALL(listen, s, 1);
  CALL(accept, s, NULL, NULL);
  CALL(shutdown, s, SHUT_WR);
  await(run, "fresh", s, POLLIN | POLLOUT | POLLRDHUP | POLLPRI);
  CALL(close, s);
}

static void option(struct run *run, int s, const char *text, int level, int name, int value) {
  int now = -7;
  socklen_t length = sizeof now;
  errno = 0;
  int result = run->calls->setsockopt(s, level, name, &value, sizeof value);
  note(run, "%s := %d: %d %s", text, value, result, result < 0 ? strerrorname_np(errno) : "");
  errno = 0;
  result = run->calls->getsockopt(s, level, name, &now, &length);
  note(run, ", now %d: %d %s\n", now, result, result < 0 ? strerrorname_np(errno) : "");
}

#define OPTION(level, name, value) option(run, s, #level " " #name, level, name, value)

static void raw_options(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_RAW, experimental);
  OPTION(IPPROTO_IP, IP_HDRINCL, 5);
  OPTION(IPPROTO_IP, IP_HDRINCL, 0);
  OPTION(IPPROTO_IP, IP_TTL, 5);
  OPTION(IPPROTO_IP, IP_TOS, 0x13);
  OPTION(IPPROTO_IP, IP_MULTICAST_TTL, 7);
  OPTION(IPPROTO_IP, IP_PKTINFO, 1);
  OPTION(IPPROTO_IPV6, IPV6_HDRINCL, 1);
  OPTION(IPPROTO_TCP, TCP_NODELAY, 1);
  OPTION(SOL_RAW, 99, 1);
  OPTION(SOL_SOCKET, SO_BROADCAST, 1);
  CALL(close, s);
  s = OPEN(socket, AF_INET, SOCK_RAW, IPPROTO_RAW);
  OPTION(IPPROTO_IP, IP_HDRINCL, 1);
  CALL(close, s);
  s = OPEN(socket, AF_INET6, SOCK_RAW, experimental);
  OPTION(IPPROTO_IPV6, IPV6_HDRINCL, 5);
  OPTION(SOL_RAW, IPV6_HDRINCL, 0);
  OPTION(IPPROTO_IPV6, IPV6_CHECKSUM, 3);
  OPTION(IPPROTO_IPV6, IPV6_CHECKSUM, 6);
  OPTION(SOL_RAW, IPV6_CHECKSUM, -5);
  OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
  OPTION(IPPROTO_ICMPV6, ICMP6_FILTER, 1);
  OPTION(IPPROTO_IP, IP_TTL, 5);
  OPTION(SOL_RAW, 99, 1);
  CALL(close, s);
  s = OPEN(socket, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  OPTION(IPPROTO_IPV6, IPV6_CHECKSUM, 4);
  OPTION(IPPROTO_ICMPV6, 2, 1);
  CALL(close, s);
  s = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  OPTION(IPPROTO_IP, IP_HDRINCL, 1);
  CALL(close, s);
  s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  OPTION(IPPROTO_IP, IP_HDRINCL, 1);
  CALL(close, s);
  s = OPEN(socket, AF_INET6, SOCK_DGRAM, 0);
  OPTION(IPPROTO_IPV6, IPV6_HDRINCL, 1);
  OPTION(IPPROTO_IPV6, IPV6_CHECKSUM, 2);
  CALL(close, s);
}

/// Takes a packet out and writes down what does not change from time to time.
static void hear(struct run *run, const char *text, int s, int flags) {
  uint8_t bytes[256];
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  errno = 0;
  ssize_t count = run->calls->recvfrom(
      s, bytes, sizeof bytes, flags | MSG_DONTWAIT, (struct sockaddr *)&from, &length);
  if (count < 0) {
    note(run, "%s: %s\n", text, strerrorname_np(errno));
    return;
  }
  note(run, "%s: %d bytes from family %d port %d:", text, (int)count, from.ss_family,
       ntohs(((struct sockaddr_in *)&from)->sin_port));
  if (from.ss_family == AF_INET) {
    struct ip header;
    memcpy(&header, bytes, sizeof header);
    // From which of its addresses a host talks to itself is its own affair.
    note(run, " IPv%d, %d words, class %d, length %d, hops %d, protocol %d, from %d to %x:",
         header.ip_v, header.ip_hl, header.ip_tos, ntohs(header.ip_len), header.ip_ttl,
         header.ip_p, ntohl(header.ip_src.s_addr) >> 24, ntohl(header.ip_dst.s_addr));
  }
  for (ssize_t i = from.ss_family == AF_INET ? 20 : 0; i < count; i++)
    note(run, " %02x", bytes[i]);
  note(run, "\n");
}

static void exchange(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_RAW, experimental);
  int other = OPEN(socket, AF_INET, SOCK_RAW, experimental);
  int deaf = OPEN(socket, AF_INET, SOCK_RAW, experimental + 1);
  struct sockaddr_in here = loopback(0);
  static char large[65536];
  CALL(send, s, "x", 1, 0);
  CALL(sendto, s, "", 0, 0, ADDRESS(here));
  here.sin_port = htons(7);
  CALL(sendto, s, "four", 4, 0, ADDRESS(here));
  here.sin_family = AF_UNSPEC;
  CALL(sendto, s, "five5", 5, 0, ADDRESS(here));
  here.sin_family = AF_INET6;
  CALL(sendto, s, "five5", 5, 0, ADDRESS(here));
  here.sin_family = AF_INET;
  CALL(sendto, s, "five5", 5, 0, (struct sockaddr *)&here, 8);
  CALL(sendto, s, "five5", 5, MSG_OOB, ADDRESS(here));
  CALL(sendto, s, large, 65516, 0, ADDRESS(here));
  CALL(sendto, s, large, 65536, 0, ADDRESS(here));
  await(run, "some", s, POLLIN | POLLOUT | POLLRDHUP | POLLPRI);
  int value = -1;
  CALL(ioctl, s, FIONREAD, &value);
  note(run, "%d bytes\n", value);
  hear(run, "peek", s, MSG_PEEK);
  hear(run, "urgent", s, MSG_OOB);
  for (int i = 0; i < 4; i++) hear(run, "mine", s, 0);
  for (int i = 0; i < 4; i++) hear(run, "other's", other, 0);
  hear(run, "of another protocol", deaf, 0);
  struct sockaddr_in wildcard = {.sin_family = AF_INET};
  CALL(sendto, s, "to nobody", 9, 0, ADDRESS(wildcard));
  char bytes[64];
  CALL(recv, s, bytes, 10, MSG_TRUNC);
  struct sockaddr_in from;
  struct iovec vector[2] = {{bytes, 22}, {bytes + 22, 4}};
  struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = vector,
                           .msg_iovlen = 2};
  CALL(recvmsg, other, &message, 0);
  note(run, "flags %#x name %d: %.6s\n", message.msg_flags, message.msg_namelen, bytes + 20);
  int on = 1;
  CALL(setsockopt, s, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  struct iovec pieces[2] = {{"two ", 4}, {"pieces", 6}};
  char control[128];
  message = (struct msghdr){.msg_name = &here, .msg_namelen = sizeof here, .msg_iov = pieces,
                            .msg_iovlen = 2};
  CALL(sendmsg, s, &message, 0);
  message = (struct msghdr){.msg_iov = vector, .msg_iovlen = 2, .msg_control = control,
                            .msg_controllen = sizeof control};
  CALL(recvmsg, s, &message, 0);
  note(run, "flags %#x control %d\n", message.msg_flags, (int)message.msg_controllen);
  CALL(close, s);
  CALL(close, other);
  CALL(close, deaf);
}

static void places(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_RAW, experimental);
  int sender = OPEN(socket, AF_INET, SOCK_RAW, experimental);
  struct sockaddr_in here = loopback(5), second = loopback(0);
  second.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  struct sockaddr_in strange = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xC6336407)};
  CALL(bind, s, ADDRESS(strange));
  CALL(bind, s, (struct sockaddr *)&here, 8);
  CALL(bind, s, ADDRESS(here));
  name(run, s);
  CALL(bind, s, ADDRESS(second));
  name(run, s);
  CALL(sendto, sender, "past", 4, 0, ADDRESS(here));
  CALL(sendto, sender, "at it", 5, 0, ADDRESS(second));
  hear(run, "bound", s, 0);
  hear(run, "bound", s, 0);
  hear(run, "unbound", sender, 0);
  hear(run, "unbound", sender, 0);
  here.sin_port = 0;
  CALL(connect, sender, ADDRESS(here));
  name(run, sender);
  here.sin_port = htons(5);
  CALL(connect, sender, ADDRESS(here));
  name(run, sender);
  CALL(bind, sender, ADDRESS(here));
  CALL(send, sender, "connected", 9, 0);
  CALL(sendto, s, "stranger", 8, 0, ADDRESS(here));
  hear(run, "connected", sender, 0);
  hear(run, "connected", sender, 0);
  CALL(shutdown, sender, SHUT_WR);
  CALL(send, sender, "four", 4, 0);
  int on = 1;
  CALL(setsockopt, sender, IPPROTO_IP, IP_HDRINCL, &on, sizeof on);
  CALL(send, sender, "four", 4, 0);
  char header[20] = {0x45};
  CALL(send, sender, header, sizeof header, 0);
  CALL(shutdown, sender, SHUT_RD);
  await(run, "shut", sender, POLLIN | POLLOUT | POLLRDHUP);
  CALL(close, s);
  CALL(close, sender);
}

static void headers(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_RAW, IPPROTO_RAW);
  int hearer = OPEN(socket, AF_INET, SOCK_RAW, experimental);
  struct sockaddr_in here = loopback(0);
  struct {
    struct ip header;
    char text[4];
  } packet = {{.ip_v = 4, .ip_hl = 5, .ip_ttl = 9, .ip_p = experimental, .ip_tos = 4}, "text"};
  packet.header.ip_dst.s_addr = htonl(INADDR_LOOPBACK);
  CALL(sendto, s, &packet, sizeof packet, 0, ADDRESS(here));
  hear(run, "whole", hearer, 0);
  packet.header.ip_src.s_addr = htonl(0xC0000201);
  packet.header.ip_len = 1;
  CALL(sendto, s, &packet, 19, 0, ADDRESS(here));
  packet.header.ip_hl = 7;
  CALL(sendto, s, &packet, sizeof packet, 0, ADDRESS(here));
  packet.header.ip_hl = 4;
  CALL(sendto, s, &packet, sizeof packet, 0, ADDRESS(here));
  hear(run, "what sends only", s, 0);
  packet.header.ip_hl = 5;
  packet.header.ip_src.s_addr = htonl(INADDR_LOOPBACK + 2);
  int on = 1;
  CALL(setsockopt, hearer, IPPROTO_IP, IP_HDRINCL, &on, sizeof on);
  CALL(sendto, hearer, &packet, sizeof packet, 0, ADDRESS(here));
  hear(run, "from elsewhere", hearer, 0);
  CALL(close, s);
  CALL(close, hearer);
}

static void echo(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_RAW, IPPROTO_ICMP);
  struct sockaddr_in here = loopback(0);
  const uint8_t request[] = {8, 0, 0xaf, 0xc3, 'i', 'd', 0, 7, 'p', 'i', 'n', 'g'};
  CALL(sendto, s, request, sizeof request, 0, ADDRESS(here));
  hear(run, "request", s, 0);
  hear(run, "reply", s, 0);
  hear(run, "no more", s, 0);
  // Nobody listens to the port: what comes of it is heard by all.
  int u = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  here.sin_port = htons(9);
  CALL(sendto, u, "x", 1, 0, ADDRESS(here));
  char bytes[128];
  CALL(recv, s, bytes, sizeof bytes, MSG_DONTWAIT);
  note(run, "type %d code %d\n", bytes[20], bytes[21]);
  CALL(close, u);
  CALL(close, s);
}

static void exchange6(struct run *run) {
  int s = OPEN(socket, AF_INET6, SOCK_RAW, experimental);
  struct sockaddr_in6 here = loopback6(0);
  struct sockaddr_in older = loopback(0);
  name(run, s);
  CALL(bind, s, ADDRESS(older));
  CALL(send, s, "x", 1, 0);
  CALL(sendto, s, "six", 3, 0, ADDRESS(here));
  hear(run, "no header", s, 0);
  here.sin6_port = htons(7);
  CALL(sendto, s, "six", 3, 0, ADDRESS(here));
  here.sin6_port = htons(experimental);
  CALL(sendto, s, "six", 3, 0, ADDRESS(here));
  here.sin6_port = 0;
  here.sin6_family = AF_UNSPEC;
  CALL(sendto, s, "six", 3, 0, ADDRESS(here));
  here.sin6_family = AF_INET6;
  CALL(sendto, s, "six", 3, 0, ADDRESS(older));
  CALL(sendto, s, "six", 3, MSG_OOB, ADDRESS(here));
  for (int i = 0; i < 3; i++) hear(run, "the rest", s, 0);
  int offset = 4;
  CALL(setsockopt, s, IPPROTO_IPV6, IPV6_CHECKSUM, &offset, sizeof offset);
  CALL(sendto, s, "short", 5, 0, ADDRESS(here));
  CALL(sendto, s, "summed up", 9, 0, ADDRESS(here));
  hear(run, "with a checksum", s, 0);
  int other = OPEN(socket, AF_INET6, SOCK_RAW, experimental);
  CALL(sendto, other, "is wrong", 8, 0, ADDRESS(here));
  hear(run, "without one", s, 0);
  hear(run, "without one", other, 0);
  here.sin6_port = htons(5);
  CALL(bind, other, ADDRESS(here));
  CALL(bind, other, ADDRESS(here));
  name(run, other);
  here.sin6_port = 0;
  CALL(connect, other, ADDRESS(here));
  name(run, other);
  CALL(bind, other, ADDRESS(here));
  CALL(send, other, "to whom", 7, 0);
  hear(run, "connected", other, 0);
  CALL(close, s);
  CALL(close, other);
}

static void echo6(struct run *run) {
  int s = OPEN(socket, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  int picky = OPEN(socket, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  struct icmp6_filter filter;
  socklen_t length = sizeof filter;
  CALL(getsockopt, picky, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, &length);
  note(run, "length %d, first %x\n", (int)length, filter.icmp6_filt[0]);
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  CALL(setsockopt, picky, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  memset(&filter, 0, sizeof filter);
  length = 20;
  CALL(getsockopt, picky, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, &length);
  note(run, "length %d, words %x %x\n", (int)length, filter.icmp6_filt[3], filter.icmp6_filt[4]);
  struct sockaddr_in6 here = loopback6(0);
  const uint8_t request[] = {128, 0, 0, 0, 'i', 'd', 0, 7, 'p', 'i', 'n', 'g'};
  CALL(sendto, s, request, sizeof request, 0, ADDRESS(here));
  hear(run, "request", s, 0);
  hear(run, "reply", s, 0);
  hear(run, "picked", picky, 0);
  hear(run, "picked", picky, 0);
  CALL(close, s);
  CALL(close, picky);
}

static void groups(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_RAW, experimental);
  struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(0xEF010203), .imr_ifindex = 1};
  CALL(setsockopt, s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group);
  CALL(setsockopt, s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group);
  struct sockaddr_in own = {.sin_family = AF_INET}, target = own;
  inet_pton(AF_INET, run->address, &own.sin_addr);
  target.sin_addr = group.imr_multiaddr;
  int sender = OPEN(socket, AF_INET, SOCK_RAW, experimental);
  CALL(bind, sender, ADDRESS(own));
  char bytes[64];
  CALL(sendto, sender, "to all", 6, 0, ADDRESS(target));
  CALL(recv, s, bytes, sizeof bytes, MSG_DONTWAIT);
  struct ip_mreq_source source = {group.imr_multiaddr, own.sin_addr, own.sin_addr};
  CALL(setsockopt, s, IPPROTO_IP, IP_BLOCK_SOURCE, &source, sizeof source);
  CALL(sendto, sender, "to all", 6, 0, ADDRESS(target));
  CALL(recv, s, bytes, sizeof bytes, MSG_DONTWAIT);
  CALL(setsockopt, s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group);
  CALL(close, s);
  CALL(close, sender);
}

const struct named_case raw_cases[] = {
    {"kinds of raw sockets", kinds},
    {"options of raw sockets", raw_options},
    {"raw packets there and back", exchange},
    {"where raw sockets are bound and connected", places},
    {"packets with their headers", headers},
    {"echo by hand", echo},
    {"raw packets of IPv6", exchange6},
    {"echo of IPv6 by hand, and a filter", echo6},
    {"groups of raw sockets", groups},
    {NULL, NULL}};
