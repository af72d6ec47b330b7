#define _GNU_SOURCE
#include "CLinuxRaw.h"

#include "Address.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmpv6.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int clinux_raw_socket(int family, int protocol) {
  int domain = family == 4 ? AF_INET : AF_INET6;
  return socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

int clinux_block_messages(int descriptor, const uint32_t *blocked) {
  struct icmp6_filter filter;
  memcpy(&filter, blocked, sizeof filter);
  return setsockopt(descriptor, IPPROTO_ICMPV6, ICMPV6_FILTER, &filter, sizeof filter);
}

ssize_t clinux_receive_error(
    int descriptor, void *bytes, size_t capacity, struct clinux_reported_error *error) {
  union {
    char bytes[512];
    struct cmsghdr align;
  } control;
  union address about;
  struct iovec vector = {.iov_base = bytes, .iov_len = capacity};
  struct msghdr message = {
      .msg_name = &about, .msg_namelen = sizeof about, .msg_iov = &vector, .msg_iovlen = 1,
      .msg_control = &control, .msg_controllen = sizeof control};
  memset(error, 0, sizeof *error);
  ssize_t result = recvmsg(descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
  if (result < 0) return result;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
       header = CMSG_NXTHDR(&message, header)) {
    int is_v4 = header->cmsg_level == IPPROTO_IP;
    if (!is_v4 && header->cmsg_level != IPPROTO_IPV6) continue;
    if (header->cmsg_type == (is_v4 ? IP_RECVERR : IPV6_RECVERR)) {
      struct {
        struct sock_extended_err error;
        union address offender;
      } facts;
      size_t size = header->cmsg_len - CMSG_LEN(0);
      memset(&facts, 0, sizeof facts);
      memcpy(&facts, CMSG_DATA(header), size < sizeof facts ? size : sizeof facts);
      error->is_icmp = facts.error.ee_origin == SO_EE_ORIGIN_ICMP ||
                       facts.error.ee_origin == SO_EE_ORIGIN_ICMP6;
      error->type = facts.error.ee_type;
      error->code = facts.error.ee_code;
      error->number = (int32_t)facts.error.ee_errno;
      error->information = facts.error.ee_info;
      from_kernel(&facts.offender, &error->offender);
    } else if (header->cmsg_type == (is_v4 ? IP_TTL : IPV6_HOPLIMIT)) {
      int limit;
      memcpy(&limit, CMSG_DATA(header), sizeof limit);
      error->hop_limit = (uint8_t)limit;
    }
  }
  return result;
}

int clinux_packet_socket(int is_cooked, uint16_t ether_type, uint32_t interface_index) {
  int kind = (is_cooked ? SOCK_DGRAM : SOCK_RAW) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  // Without a protocol it hears nothing before it is bound.
  int descriptor = socket(AF_PACKET, kind, 0);
  if (descriptor < 0) return -1;
  struct sockaddr_ll local = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ether_type == 0 ? ETH_P_ALL : ether_type),
      .sll_ifindex = (int)interface_index};
  if (bind(descriptor, (struct sockaddr *)&local, sizeof local) == 0) return descriptor;
  int reason = errno;
  close(descriptor);
  errno = reason;
  return -1;
}

ssize_t clinux_packet_receive(
    int descriptor, void *bytes, size_t capacity, struct clinux_frame *frame) {
  struct sockaddr_ll from;
  socklen_t size = sizeof from;
  memset(&from, 0, sizeof from);
  ssize_t result =
      recvfrom(descriptor, bytes, capacity, MSG_TRUNC, (struct sockaddr *)&from, &size);
  if (result < 0) return result;
  memset(frame, 0, sizeof *frame);
  frame->length = (size_t)result;
  frame->interface_index = (uint32_t)from.sll_ifindex;
  frame->ether_type = ntohs(from.sll_protocol);
  frame->direction = from.sll_pkttype;
  if (from.sll_halen == 6)
    for (int byte = 0; byte < 6; byte++) frame->station = frame->station << 8 | from.sll_addr[byte];
  frame->has_station = from.sll_halen == 6;
  return result;
}

ssize_t clinux_packet_send(
    int descriptor, const void *bytes, size_t count, const struct clinux_frame *frame) {
  struct sockaddr_ll to = {
      .sll_family = AF_PACKET, .sll_protocol = htons(frame->ether_type),
      .sll_ifindex = (int)frame->interface_index};
  if (frame->has_station) {
    to.sll_halen = 6;
    for (int byte = 0; byte < 6; byte++)
      to.sll_addr[byte] = (unsigned char)(frame->station >> (40 - 8 * byte));
  }
  return sendto(descriptor, bytes, count, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to);
}

int clinux_packet_statistics(int descriptor, uint32_t *seen, uint32_t *dropped) {
  struct tpacket_stats statistics;
  socklen_t size = sizeof statistics;
  if (getsockopt(descriptor, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) != 0) return -1;
  *seen = statistics.tp_packets;
  *dropped = statistics.tp_drops;
  return 0;
}
