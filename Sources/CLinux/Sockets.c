#define _GNU_SOURCE
#include "CLinuxSockets.h"

#include <errno.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SOL_TCP
#define SOL_TCP 6
#endif

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static socklen_t to_kernel(const struct clinux_address *from, union address *to) {
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

static void from_in6(const struct in6_addr *from, struct clinux_address *to) {
  to->high = 0;
  to->low = 0;
  for (int byte = 0; byte < 8; byte++) {
    to->high = to->high << 8 | from->s6_addr[byte];
    to->low = to->low << 8 | from->s6_addr[8 + byte];
  }
}

static void from_kernel(const union address *from, struct clinux_address *to) {
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
  return sendto(descriptor, bytes, count, MSG_NOSIGNAL, &address.any, size);
}

static void read_facts(
    struct msghdr *message, const union address *source, size_t length,
    struct clinux_datagram *facts) {
  memset(facts, 0, sizeof *facts);
  from_kernel(source, &facts->source);
  facts->length = length;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
       header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(header), sizeof info);
      facts->destination.family = 4;
      facts->destination.low = ntohl(info.ipi_addr.s_addr);
      facts->interface_index = (uint32_t)info.ipi_ifindex;
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo info;
      memcpy(&info, CMSG_DATA(header), sizeof info);
      facts->destination.family = 6;
      from_in6(&info.ipi6_addr, &facts->destination);
      facts->interface_index = info.ipi6_ifindex;
    } else if (
        (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TTL) ||
        (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_HOPLIMIT)) {
      int limit;
      memcpy(&limit, CMSG_DATA(header), sizeof limit);
      facts->hop_limit = (uint8_t)limit;
    }
  }
}

union control {
  char bytes[128];
  struct cmsghdr align;
};

ssize_t clinux_receive_from(
    int descriptor, void *bytes, size_t capacity, struct clinux_datagram *facts) {
  union address source;
  union control control;
  struct iovec vector = {.iov_base = bytes, .iov_len = capacity};
  struct msghdr message = {
      .msg_name = &source, .msg_namelen = sizeof source, .msg_iov = &vector, .msg_iovlen = 1,
      .msg_control = &control, .msg_controllen = sizeof control};
  memset(&source, 0, sizeof source);
  ssize_t result = recvmsg(descriptor, &message, MSG_TRUNC);
  if (result >= 0) read_facts(&message, &source, (size_t)result, facts);
  return result;
}

int clinux_receive_batch(
    int descriptor, void *bytes, size_t stride, unsigned count, struct clinux_datagram *facts) {
  union address sources[CLINUX_BATCH];
  union control controls[CLINUX_BATCH];
  struct iovec vectors[CLINUX_BATCH];
  struct mmsghdr messages[CLINUX_BATCH];
  if (count > CLINUX_BATCH) count = CLINUX_BATCH;
  for (unsigned index = 0; index < count; index++) {
    vectors[index].iov_base = (char *)bytes + index * stride;
    vectors[index].iov_len = stride;
    sources[index].any.sa_family = AF_UNSPEC;
    messages[index].msg_hdr = (struct msghdr){
        .msg_name = &sources[index], .msg_namelen = sizeof sources[index],
        .msg_iov = &vectors[index], .msg_iovlen = 1,
        .msg_control = &controls[index], .msg_controllen = sizeof controls[index]};
  }
  int result = recvmmsg(descriptor, messages, count, MSG_TRUNC | MSG_DONTWAIT, NULL);
  for (int index = 0; index < result; index++)
    read_facts(&messages[index].msg_hdr, &sources[index], messages[index].msg_len, &facts[index]);
  return result;
}

int clinux_send_batch(
    int descriptor, const void *bytes, unsigned count, const struct clinux_outgoing *datagrams) {
  union address remotes[CLINUX_BATCH];
  struct iovec vectors[CLINUX_BATCH];
  struct mmsghdr messages[CLINUX_BATCH];
  if (count > CLINUX_BATCH) count = CLINUX_BATCH;
  for (unsigned index = 0; index < count; index++) {
    vectors[index].iov_base = (char *)(uintptr_t)bytes + datagrams[index].offset;
    vectors[index].iov_len = datagrams[index].length;
    struct msghdr header = {.msg_iov = &vectors[index], .msg_iovlen = 1};
    if (datagrams[index].remote.family != 0) {
      header.msg_name = &remotes[index];
      header.msg_namelen = to_kernel(&datagrams[index].remote, &remotes[index]);
    }
    messages[index].msg_hdr = header;
  }
  return sendmmsg(descriptor, messages, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int clinux_change_membership(
    int descriptor, int joins, const struct clinux_address *group,
    const struct clinux_address *source, uint32_t interface_index) {
  int level = group->family == 4 ? IPPROTO_IP : IPPROTO_IPV6;
  union address address;
  if (source == NULL) {
    struct group_req request;
    memset(&request, 0, sizeof request);
    request.gr_interface = interface_index;
    socklen_t size = to_kernel(group, &address);
    memcpy(&request.gr_group, &address, size);
    int name = joins ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
    return setsockopt(descriptor, level, name, &request, sizeof request);
  }
  struct group_source_req request;
  memset(&request, 0, sizeof request);
  request.gsr_interface = interface_index;
  socklen_t size = to_kernel(group, &address);
  memcpy(&request.gsr_group, &address, size);
  size = to_kernel(source, &address);
  memcpy(&request.gsr_source, &address, size);
  int name = joins ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
  return setsockopt(descriptor, level, name, &request, sizeof request);
}

int clinux_set_multicast_interface_4(int descriptor, uint32_t interface_index) {
  struct ip_mreqn request;
  memset(&request, 0, sizeof request);
  request.imr_ifindex = (int)interface_index;
  return setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request);
}

uint32_t clinux_interface_index(const char *name) { return if_nametoindex(name); }

int clinux_shutdown_send(int descriptor) { return shutdown(descriptor, SHUT_WR); }

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

int clinux_set_linger(int descriptor, int seconds) {
  struct linger linger = {.l_onoff = 1, .l_linger = seconds};
  return setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

int clinux_tcp_information_of(int descriptor, struct clinux_tcp_information *information) {
  struct tcp_info kernel;
  memset(&kernel, 0, sizeof kernel);
  socklen_t size = sizeof kernel;
  if (getsockopt(descriptor, SOL_TCP, TCP_INFO, &kernel, &size) != 0) return -1;
  information->state = kernel.tcpi_state;
  information->round_trip_time = kernel.tcpi_rtt;
  information->congestion_window = (uint64_t)kernel.tcpi_snd_cwnd * kernel.tcpi_snd_mss;
  information->bytes_sent = kernel.tcpi_bytes_sent;
  information->bytes_received = kernel.tcpi_bytes_received;
  information->retransmitted_segments = kernel.tcpi_total_retrans;
  return 0;
}
