#define _GNU_SOURCE
#include "CLinuxSockets.h"

#include "Address.h"

#include <errno.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_TCP
#define SOL_TCP 6
#endif

int clinux_socket(int family, int kind) {
  int domain = family == 4 ? AF_INET : AF_INET6;
  int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  switch (kind) {
    case CLINUX_STREAM: return socket(domain, SOCK_STREAM | flags, 0);
    case CLINUX_DATAGRAM: return socket(domain, SOCK_DGRAM | flags, 0);
    case CLINUX_ECHO:
      return socket(domain, SOCK_DGRAM | flags, family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    default: errno = EINVAL; return -1;
  }
}

int clinux_bind(int descriptor, const struct clinux_address *local) {
  union address address;
  socklen_t size = to_kernel(local, &address);
  return bind(descriptor, &address.any, size);
}

int clinux_connect(int descriptor, const struct clinux_address *remote) {
  union address address;
  socklen_t size = to_kernel(remote, &address);
  return connect(descriptor, &address.any, size);
}

int clinux_accept(int descriptor, struct clinux_address *remote) {
  union address address;
  socklen_t size = sizeof address;
  int result = accept4(descriptor, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (result >= 0) from_kernel(&address, remote);
  return result;
}

int clinux_local_address(int descriptor, struct clinux_address *local) {
  union address address;
  socklen_t size = sizeof address;
  int result = getsockname(descriptor, &address.any, &size);
  if (result == 0) from_kernel(&address, local);
  return result;
}

int clinux_remote_address(int descriptor, struct clinux_address *remote) {
  union address address;
  socklen_t size = sizeof address;
  int result = getpeername(descriptor, &address.any, &size);
  if (result == 0) from_kernel(&address, remote);
  return result;
}

ssize_t clinux_send(int descriptor, const void *bytes, size_t count) {
  return syscall(SYS_sendto, descriptor, bytes, count, MSG_NOSIGNAL, NULL, 0);
}

ssize_t clinux_receive(int descriptor, void *bytes, size_t capacity) {
  return syscall(SYS_recvfrom, descriptor, bytes, capacity, 0, NULL, NULL);
}

ssize_t clinux_send_to(
    int descriptor, const void *bytes, size_t count, const struct clinux_address *remote) {
  union address address;
  socklen_t size = to_kernel(remote, &address);
  return syscall(SYS_sendto, descriptor, bytes, count, MSG_NOSIGNAL, &address.any, size);
}

int clinux_change_membership(
    int descriptor, int change, const struct clinux_address *group,
    const struct clinux_address *source, uint32_t interface_index) {
  int level = group->family == 4 ? IPPROTO_IP : IPPROTO_IPV6;
  union address address;
  if (source == NULL) {
    struct group_req request;
    memset(&request, 0, sizeof request);
    request.gr_interface = interface_index;
    socklen_t size = to_kernel(group, &address);
    memcpy(&request.gr_group, &address, size);
    int name = change == 1 ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
    return setsockopt(descriptor, level, name, &request, sizeof request);
  }
  struct group_source_req request;
  memset(&request, 0, sizeof request);
  request.gsr_interface = interface_index;
  socklen_t size = to_kernel(group, &address);
  memcpy(&request.gsr_group, &address, size);
  size = to_kernel(source, &address);
  memcpy(&request.gsr_source, &address, size);
  static const int names[] = {
      MCAST_LEAVE_SOURCE_GROUP, MCAST_JOIN_SOURCE_GROUP, MCAST_UNBLOCK_SOURCE, MCAST_BLOCK_SOURCE};
  return setsockopt(descriptor, level, names[change & 3], &request, sizeof request);
}

int clinux_set_multicast_interface_4(int descriptor, uint32_t interface_index) {
  struct ip_mreqn request;
  memset(&request, 0, sizeof request);
  request.imr_ifindex = (int)interface_index;
  return setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request);
}

uint32_t clinux_interface_index(const char *name) { return if_nametoindex(name); }

int clinux_shutdown_send(int descriptor) { return shutdown(descriptor, SHUT_WR); }

void clinux_end(int descriptor, int resets) {
  int unread = 0;
  if (!resets && ioctl(descriptor, FIONREAD, &unread) == 0 && unread > 0) resets = 1;
  struct sockaddr nobody = {.sa_family = AF_UNSPEC};
  if (!resets || connect(descriptor, &nobody, sizeof nobody) != 0) shutdown(descriptor, SHUT_RDWR);
}

int clinux_listen(int descriptor, int backlog) { return listen(descriptor, backlog); }

static int option_place(int option, int *level, int *name) {
  switch (option) {
    case CLINUX_REUSE_ADDRESS: *level = SOL_SOCKET; *name = SO_REUSEADDR; return 0;
    case CLINUX_KEEP_ALIVE: *level = SOL_SOCKET; *name = SO_KEEPALIVE; return 0;
    case CLINUX_BROADCAST: *level = SOL_SOCKET; *name = SO_BROADCAST; return 0;
    case CLINUX_SEND_BUFFER: *level = SOL_SOCKET; *name = SO_SNDBUF; return 0;
    case CLINUX_RECEIVE_BUFFER: *level = SOL_SOCKET; *name = SO_RCVBUF; return 0;
    case CLINUX_ERROR: *level = SOL_SOCKET; *name = SO_ERROR; return 0;
    case CLINUX_NO_DELAY: *level = SOL_TCP; *name = TCP_NODELAY; return 0;
    case CLINUX_MAXIMUM_SEGMENT: *level = SOL_TCP; *name = TCP_MAXSEG; return 0;
    case CLINUX_KEEP_IDLE: *level = SOL_TCP; *name = TCP_KEEPIDLE; return 0;
    case CLINUX_KEEP_INTERVAL: *level = SOL_TCP; *name = TCP_KEEPINTVL; return 0;
    case CLINUX_KEEP_COUNT: *level = SOL_TCP; *name = TCP_KEEPCNT; return 0;
    case CLINUX_USER_TIMEOUT: *level = SOL_TCP; *name = TCP_USER_TIMEOUT; return 0;
    case CLINUX_IPV6_ONLY: *level = IPPROTO_IPV6; *name = IPV6_V6ONLY; return 0;
    case CLINUX_HOPS_4: *level = IPPROTO_IP; *name = IP_TTL; return 0;
    case CLINUX_HOPS_6: *level = IPPROTO_IPV6; *name = IPV6_UNICAST_HOPS; return 0;
    case CLINUX_MULTICAST_HOPS_4: *level = IPPROTO_IP; *name = IP_MULTICAST_TTL; return 0;
    case CLINUX_MULTICAST_HOPS_6: *level = IPPROTO_IPV6; *name = IPV6_MULTICAST_HOPS; return 0;
    case CLINUX_PACKET_INFO_4: *level = IPPROTO_IP; *name = IP_PKTINFO; return 0;
    case CLINUX_PACKET_INFO_6: *level = IPPROTO_IPV6; *name = IPV6_RECVPKTINFO; return 0;
    case CLINUX_RECEIVE_HOPS_4: *level = IPPROTO_IP; *name = IP_RECVTTL; return 0;
    case CLINUX_RECEIVE_HOPS_6: *level = IPPROTO_IPV6; *name = IPV6_RECVHOPLIMIT; return 0;
    case CLINUX_MULTICAST_LOOP_4: *level = IPPROTO_IP; *name = IP_MULTICAST_LOOP; return 0;
    case CLINUX_MULTICAST_LOOP_6: *level = IPPROTO_IPV6; *name = IPV6_MULTICAST_LOOP; return 0;
    case CLINUX_MULTICAST_INTERFACE_6: *level = IPPROTO_IPV6; *name = IPV6_MULTICAST_IF; return 0;
    case CLINUX_REUSE_PORT: *level = SOL_SOCKET; *name = SO_REUSEPORT; return 0;
    case CLINUX_TRAFFIC_CLASS_4: *level = IPPROTO_IP; *name = IP_TOS; return 0;
    case CLINUX_TRAFFIC_CLASS_6: *level = IPPROTO_IPV6; *name = IPV6_TCLASS; return 0;
    case CLINUX_RECEIVE_TRAFFIC_CLASS_4: *level = IPPROTO_IP; *name = IP_RECVTOS; return 0;
    case CLINUX_RECEIVE_TRAFFIC_CLASS_6: *level = IPPROTO_IPV6; *name = IPV6_RECVTCLASS; return 0;
    case CLINUX_MULTICAST_ALL_4: *level = IPPROTO_IP; *name = IP_MULTICAST_ALL; return 0;
    case CLINUX_MULTICAST_ALL_6: *level = IPPROTO_IPV6; *name = IPV6_MULTICAST_ALL; return 0;
    case CLINUX_COALESCE: *level = IPPROTO_UDP; *name = UDP_GRO; return 0;
    case CLINUX_RECEIVE_ERRORS_4: *level = IPPROTO_IP; *name = IP_RECVERR; return 0;
    case CLINUX_RECEIVE_ERRORS_6: *level = IPPROTO_IPV6; *name = IPV6_RECVERR; return 0;
    case CLINUX_MARK: *level = SOL_SOCKET; *name = SO_MARK; return 0;
    case CLINUX_PRIORITY: *level = SOL_SOCKET; *name = SO_PRIORITY; return 0;
    case CLINUX_CORK: *level = SOL_TCP; *name = TCP_CORK; return 0;
    case CLINUX_QUICK_ACK: *level = SOL_TCP; *name = TCP_QUICKACK; return 0;
    case CLINUX_NOT_SENT_LOW_WATER: *level = SOL_TCP; *name = TCP_NOTSENT_LOWAT; return 0;
    case CLINUX_DEFER_ACCEPT: *level = SOL_TCP; *name = TCP_DEFER_ACCEPT; return 0;
    case CLINUX_FAST_OPEN: *level = SOL_TCP; *name = TCP_FASTOPEN; return 0;
    case CLINUX_FAST_OPEN_CONNECT: *level = SOL_TCP; *name = TCP_FASTOPEN_CONNECT; return 0;
    case CLINUX_WINDOW_CLAMP: *level = SOL_TCP; *name = TCP_WINDOW_CLAMP; return 0;
    case CLINUX_SYN_COUNT: *level = SOL_TCP; *name = TCP_SYNCNT; return 0;
    case CLINUX_FIN_TIMEOUT: *level = SOL_TCP; *name = TCP_LINGER2; return 0;
    case CLINUX_FREE_BIND: *level = IPPROTO_IP; *name = IP_FREEBIND; return 0;
    case CLINUX_DONT_ROUTE: *level = SOL_SOCKET; *name = SO_DONTROUTE; return 0;
    case CLINUX_BUSY_POLL: *level = SOL_SOCKET; *name = SO_BUSY_POLL; return 0;
    case CLINUX_HEADER_INCLUDED_4: *level = IPPROTO_IP; *name = IP_HDRINCL; return 0;
    case CLINUX_HEADER_INCLUDED_6: *level = IPPROTO_IPV6; *name = IPV6_HDRINCL; return 0;
    case CLINUX_CHECKSUM_OFFSET_6: *level = IPPROTO_IPV6; *name = IPV6_CHECKSUM; return 0;
    default: errno = EINVAL; return -1;
  }
}

int clinux_set_option(int descriptor, int option, int value) {
  int level, name;
  if (option_place(option, &level, &name) != 0) return -1;
  return setsockopt(descriptor, level, name, &value, sizeof value);
}

int clinux_get_option(int descriptor, int option, int *value) {
  int level, name;
  if (option_place(option, &level, &name) != 0) return -1;
  socklen_t size = sizeof *value;
  return getsockopt(descriptor, level, name, value, &size);
}

int clinux_set_congestion_control(int descriptor, const char *name) {
  return setsockopt(descriptor, SOL_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name));
}

int clinux_congestion_control(int descriptor, char *name, size_t size) {
  socklen_t length = (socklen_t)size;
  return getsockopt(descriptor, SOL_TCP, TCP_CONGESTION, name, &length);
}

int clinux_set_device(int descriptor, const char *name) {
  return setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name));
}

int clinux_device(int descriptor, char *name, size_t size) {
  socklen_t length = (socklen_t)size;
  return getsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, &length);
}

int clinux_set_linger(int descriptor, int seconds) {
  struct linger linger = {.l_onoff = seconds >= 0, .l_linger = seconds < 0 ? 0 : seconds};
  return setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

int clinux_linger(int descriptor, int *seconds) {
  struct linger linger;
  socklen_t size = sizeof linger;
  int result = getsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, &size);
  if (result == 0) *seconds = linger.l_onoff ? linger.l_linger : -1;
  return result;
}

int clinux_tcp_information_of(int descriptor, struct clinux_tcp_information *information) {
  struct tcp_info kernel;
  memset(&kernel, 0, sizeof kernel);
  socklen_t size = sizeof kernel;
  if (getsockopt(descriptor, SOL_TCP, TCP_INFO, &kernel, &size) != 0) return -1;
  *information = (struct clinux_tcp_information){
      .state = kernel.tcpi_state,
      .round_trip_time = kernel.tcpi_rtt,
      .round_trip_variation = kernel.tcpi_rttvar,
      .minimum_round_trip = kernel.tcpi_min_rtt == UINT32_MAX ? 0 : kernel.tcpi_min_rtt,
      .retransmission_timeout = kernel.tcpi_rto,
      .congestion_window = (uint64_t)kernel.tcpi_snd_cwnd * kernel.tcpi_snd_mss,
      .slow_start_threshold = kernel.tcpi_snd_ssthresh >= 0x7fffffff
                                  ? 0
                                  : (uint64_t)kernel.tcpi_snd_ssthresh * kernel.tcpi_snd_mss,
      .maximum_segment = kernel.tcpi_snd_mss,
      .unacknowledged = kernel.tcpi_unacked,
      .lost = kernel.tcpi_lost,
      .reordering = kernel.tcpi_reordering,
      .not_sent_bytes = kernel.tcpi_notsent_bytes,
      .bytes_sent = kernel.tcpi_bytes_sent,
      .bytes_received = kernel.tcpi_bytes_received,
      .bytes_acknowledged = kernel.tcpi_bytes_acked,
      .segments_sent = kernel.tcpi_segs_out,
      .segments_received = kernel.tcpi_segs_in,
      .retransmitted_segments = kernel.tcpi_total_retrans,
      .delivery_rate = kernel.tcpi_delivery_rate,
      .bytes_retransmitted = kernel.tcpi_bytes_retrans,
      .data_segments_sent = kernel.tcpi_data_segs_out,
      .data_segments_received = kernel.tcpi_data_segs_in,
      .since_data_sent = kernel.tcpi_last_data_sent,
      .since_data_received = kernel.tcpi_last_data_recv,
      .busy_time = kernel.tcpi_busy_time,
      .window_limited_time = kernel.tcpi_rwnd_limited,
  };
  return 0;
}
