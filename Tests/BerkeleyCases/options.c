#include "calls.h"

// Where Linux's answer depends on the machine's settings (net.core.rmem_max and its like, the
// defaults of buffers) nothing is compared.

static void try_option(
    struct run *run, int socket, const char *name, int level, int number, const int *values,
    int count) {
  int value = -77;
  socklen_t length = sizeof value;
  errno = 0;
  int result = run->calls->getsockopt(socket, level, number, &value, &length);
  if (level != SOL_SOCKET || (number != SO_RCVBUF && number != SO_SNDBUF))
    note(run, "%s: %d %s value %d length %d\n", name, result,
         result < 0 ? strerrorname_np(errno) : "", value, (int)length);
  for (int i = 0; i < count; i++) {
    result = run->calls->setsockopt(socket, level, number, &values[i], sizeof values[i]);
    note(run, "%s := %d: %d %s", name, values[i], result,
         result < 0 ? strerrorname_np(errno) : "");
    length = sizeof value;
    value = -77;
    result = run->calls->getsockopt(socket, level, number, &value, &length);
    note(run, " now %d length %d\n", value, (int)length);
  }
}

#define TRY(level, name, ...) \
  do { \
    const int values[] = {__VA_ARGS__}; \
    try_option(run, s, #name, level, name, values, (int)(sizeof values / sizeof *values)); \
  } while (0)

static void common(struct run *run, int s) {
  TRY(SOL_SOCKET, SO_REUSEADDR, 1, 2, 0);
  TRY(SOL_SOCKET, SO_REUSEPORT, 1, 0);
  TRY(SOL_SOCKET, SO_KEEPALIVE, 5, 0);
  TRY(SOL_SOCKET, SO_BROADCAST, 1, 0);
  TRY(SOL_SOCKET, SO_OOBINLINE, 1, 0);
  TRY(SOL_SOCKET, SO_DONTROUTE, 1, 0);
  TRY(SOL_SOCKET, SO_TYPE, 1);
  TRY(SOL_SOCKET, SO_DOMAIN, 1);
  TRY(SOL_SOCKET, SO_PROTOCOL, 1);
  TRY(SOL_SOCKET, SO_ERROR, 1);
  TRY(SOL_SOCKET, SO_ACCEPTCONN, 1);
  TRY(SOL_SOCKET, SO_RCVLOWAT, 0, 7, 1);
  TRY(SOL_SOCKET, SO_SNDLOWAT, 7);
  TRY(SOL_SOCKET, SO_RCVBUF, 0, 1, 5000, 100000, 212992);
  TRY(SOL_SOCKET, SO_SNDBUF, 0, 1, 5000, 100000, 212992);
  TRY(SOL_SOCKET, SO_PRIORITY, 3, 0);
  TRY(SOL_SOCKET, 9999, 1);
  TRY(9999, 1, 1);
}

static void stream_options(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  common(run, s);
  TRY(IPPROTO_TCP, TCP_NODELAY, 1, 5, 0);
  TRY(IPPROTO_TCP, TCP_CORK, 1, 0);
  TRY(IPPROTO_TCP, TCP_MAXSEG, 1, 87, 88, 1000, 32767, 32768, 0);
  TRY(IPPROTO_TCP, TCP_KEEPIDLE, 0, 1, 32767, 32768);
  TRY(IPPROTO_TCP, TCP_KEEPINTVL, 0, 1, 32767, 32768);
  TRY(IPPROTO_TCP, TCP_KEEPCNT, 0, 1, 127, 128);
  TRY(IPPROTO_TCP, TCP_SYNCNT, 0, 1, 127, 128);
  TRY(IPPROTO_TCP, TCP_LINGER2, 10, -1);
  TRY(IPPROTO_TCP, TCP_USER_TIMEOUT, 1000, -1, 0);
  TRY(IPPROTO_TCP, TCP_QUICKACK, 1);
  TRY(IPPROTO_TCP, TCP_INQ, 1, 2, 0);
  TRY(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1000, 0);
  TRY(IPPROTO_TCP, TCP_WINDOW_CLAMP, 1, 10000, 0);
  TRY(IPPROTO_TCP, 9999, 1);
  TRY(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  CALL(close, s);
}

static void address_options(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  TRY(IPPROTO_IP, IP_TOS, 0x10, 0x13, 0xFF, 0x1FF, -1);
  TRY(IPPROTO_IP, IP_TTL, 0, 1, 255, 256, -1);
  TRY(IPPROTO_IP, IP_MTU_DISCOVER, 0, 2, 6);
  TRY(IPPROTO_IP, IP_MTU, 1000);
  TRY(IPPROTO_IP, IP_MULTICAST_TTL, 1);
  CALL(close, s);
  s = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  TRY(IPPROTO_IP, IP_TOS, 0x10, 0x13);
  TRY(IPPROTO_IP, IP_MULTICAST_TTL, 0, 255, 256, -1);
  TRY(IPPROTO_IP, IP_MULTICAST_LOOP, 0, 1);
  TRY(IPPROTO_IP, IP_PKTINFO, 1, 0);
  TRY(IPPROTO_IP, IP_RECVTOS, 1, 0);
  TRY(IPPROTO_TCP, TCP_NODELAY, 1);
  common(run, s);
  CALL(close, s);
  s = OPEN(socket, AF_INET6, SOCK_DGRAM, 0);
  TRY(IPPROTO_IPV6, IPV6_V6ONLY, 1, 0);
  TRY(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0, 1, 255, 256, -1);
  TRY(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 0, 255, 256, -1);
  TRY(IPPROTO_IPV6, IPV6_TCLASS, 0x20, 256, -1);
  TRY(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, 0);
  CALL(close, s);
}

static void forms(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  int value = 1;
  socklen_t length = 0;
  CALL(setsockopt, s, SOL_SOCKET, SO_KEEPALIVE, &value, 3);
  CALL(setsockopt, s, SOL_SOCKET, SO_KEEPALIVE, &value, (socklen_t)-1);
  CALL(setsockopt, s, SOL_SOCKET, SO_KEEPALIVE, NULL, 4);
  CALL(getsockopt, s, SOL_SOCKET, SO_KEEPALIVE, &value, NULL);
  CALL(getsockopt, s, SOL_SOCKET, SO_KEEPALIVE, &value, &length);
  length = (socklen_t)-1;
  CALL(getsockopt, s, SOL_SOCKET, SO_KEEPALIVE, &value, &length);
  unsigned char small = 5;
  CALL(setsockopt, s, IPPROTO_IP, IP_TTL, &small, 1);
  length = 1;
  CALL(getsockopt, s, IPPROTO_IP, IP_TTL, &small, &length);
  note(run, "hops %d length %d\n", small, (int)length);
  struct linger linger = {1, 5};
  CALL(setsockopt, s, SOL_SOCKET, SO_LINGER, &linger, 4);
  CALL(setsockopt, s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  memset(&linger, 0, sizeof linger);
  length = sizeof linger;
  CALL(getsockopt, s, SOL_SOCKET, SO_LINGER, &linger, &length);
  note(run, "linger %d %d length %d\n", linger.l_onoff, linger.l_linger, (int)length);
  struct timeval time = {1, 1000000};
  CALL(setsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  time.tv_usec = 500000;
  CALL(setsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &time, 8);
  CALL(setsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  length = sizeof time;
  memset(&time, 0, sizeof time);
  CALL(getsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &time, &length);
  note(run, "%ld s %ld us length %d\n", (long)time.tv_sec, (long)time.tv_usec, (int)length);
  CALL(setsockopt, s, IPPROTO_TCP, TCP_CONGESTION, "none such", 9);
  CALL(setsockopt, s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  char name[32] = "";
  length = sizeof name;
  CALL(getsockopt, s, IPPROTO_TCP, TCP_CONGESTION, name, &length);
  note(run, "%s length %d\n", name, (int)length);
  length = 2;
  CALL(getsockopt, s, IPPROTO_TCP, TCP_CONGESTION, name, &length);
  note(run, "length %d\n", (int)length);
  struct ip_mreq group = {.imr_multiaddr.s_addr = htonl(0xE9010203)};
  CALL(setsockopt, s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, 4);
  CALL(close, s);
}

static void device(struct run *run, int s, const char *name, socklen_t room) {
  char text[64];
  memset(text, 'x', sizeof text);
  if (name != NULL) CALL(setsockopt, s, SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name));
  socklen_t length = room;
  CALL(getsockopt, s, SOL_SOCKET, SO_BINDTODEVICE, text, &length);
  note(run, "device %.*s length %d\n", text[0] == 'x' ? 0 : (int)length, text, (int)length);
}

static void devices(struct run *run) {
  int l = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  device(run, l, NULL, 64);
  device(run, l, "", 64);
  device(run, l, "no such device at all", 64);
  device(run, l, "lo", 64);
  device(run, l, NULL, 16);
  device(run, l, NULL, 15);
  device(run, l, NULL, 0);
  int value = 4;
  CALL(setsockopt, l, SOL_SOCKET, SO_PRIORITY, &value, sizeof value);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  CALL(bind, l, (struct sockaddr *)&address, sizeof address);
  CALL(getsockname, l, (struct sockaddr *)&address, &length);
  CALL(listen, l, 1);
  int c = OPEN(socket, AF_INET, SOCK_STREAM, 0);
  device(run, c, "lo", 64);
  CALL(connect, c, (struct sockaddr *)&address, sizeof address);
  int s = OPEN(accept, l, NULL, NULL);
  device(run, s, NULL, 64);
  length = sizeof value;
  CALL(getsockopt, s, SOL_SOCKET, SO_PRIORITY, &value, &length);
  note(run, "priority %d\n", value);
  CALL(send, c, "over it", 7, 0);
  char bytes[16] = "";
  CALL(recv, s, bytes, sizeof bytes, 0);
  note(run, "%s\n", bytes);
  CALL(close, c);
  CALL(close, s);
  CALL(close, l);
  int u = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  device(run, u, "lo", 64);
  address.sin_port = 0;
  CALL(bind, u, (struct sockaddr *)&address, sizeof address);
  length = sizeof address;
  CALL(getsockname, u, (struct sockaddr *)&address, &length);
  int v = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  CALL(sendto, v, "there", 5, 0, (struct sockaddr *)&address, sizeof address);
  CALL(recv, u, bytes, sizeof bytes, 0);
  CALL(close, v);
  CALL(close, u);
  s = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  // To bind it a second time takes CAP_NET_RAW.
  TRY(SOL_SOCKET, SO_BINDTOIFINDEX, -1, 0, 1);
  CALL(close, s);
  s = OPEN(socket, AF_INET6, SOCK_STREAM, 0);
  TRY(SOL_SOCKET, SO_BINDTOIFINDEX, -1, 0, 1);
  CALL(close, s);
}

static void information(struct run *run) {
  int c, s;
  struct tcp_info info;
  socklen_t length = sizeof info;
  connected(run, &c, &s);
  CALL(getsockopt, c, IPPROTO_TCP, TCP_INFO, &info, &length);
  note(run, "state %d, open %d, options %d\n", info.tcpi_state, info.tcpi_ca_state == 0,
       info.tcpi_options & 7);
  note(run, "round trip known %d, window %d\n", info.tcpi_rtt > 0, info.tcpi_snd_cwnd > 0);
  CALL(shutdown, c, SHUT_WR);
  await(run, "peer's end", s, POLLIN);
  length = sizeof info;
  CALL(getsockopt, s, IPPROTO_TCP, TCP_INFO, &info, &length);
  note(run, "state %d\n", info.tcpi_state);
  length = 1;
  CALL(getsockopt, s, IPPROTO_TCP, TCP_INFO, &info, &length);
  note(run, "length %d state %d\n", (int)length, info.tcpi_state);
  CALL(close, s);
  CALL(close, c);
}

const struct named_case option_cases[] = {
    {"options of streams", stream_options},
    {"options of addresses and datagrams", address_options},
    {"forms of options", forms},
    {"devices", devices},
    {"information on a connection", information},
    {NULL, NULL}};
