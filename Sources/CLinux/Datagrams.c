#define _GNU_SOURCE
#include "CLinuxSockets.h"

#include "Address.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

// System calls are made directly, not as points at which a thread may be cancelled: no thread of ours
// is.

/// The most datagrams that the kernel cuts one message into, and the most bytes of it.
enum { SEGMENTS = 64, SEGMENTED_BYTES = 65507 };

union control {
  char bytes[128];
  struct cmsghdr align;
};

// Receiving

static void read_facts(
    struct msghdr *message, const union address *source, size_t length,
    struct clinux_datagram *facts) {
  memset(facts, 0, sizeof *facts);
  from_kernel(source, &facts->source);
  facts->length = length;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
       header = CMSG_NXTHDR(message, header)) {
    const void *data = CMSG_DATA(header);
    int number;
    if (header->cmsg_level == IPPROTO_IP) {
      if (header->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, data, sizeof info);
        facts->destination.family = 4;
        facts->destination.low = ntohl(info.ipi_addr.s_addr);
        facts->interface_index = (uint32_t)info.ipi_ifindex;
      } else if (header->cmsg_type == IP_TTL) {
        memcpy(&number, data, sizeof number);
        facts->hop_limit = (uint8_t)number;
      } else if (header->cmsg_type == IP_TOS) {
        facts->traffic_class = *(const uint8_t *)data;
      }
    } else if (header->cmsg_level == IPPROTO_IPV6) {
      if (header->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, data, sizeof info);
        facts->destination.family = 6;
        from_in6(&info.ipi6_addr, &facts->destination);
        facts->interface_index = info.ipi6_ifindex;
      } else if (header->cmsg_type == IPV6_HOPLIMIT) {
        memcpy(&number, data, sizeof number);
        facts->hop_limit = (uint8_t)number;
      } else if (header->cmsg_type == IPV6_TCLASS) {
        memcpy(&number, data, sizeof number);
        facts->traffic_class = (uint8_t)number;
      }
    } else if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_GRO) {
      memcpy(&number, data, sizeof number);
      if (number > 0 && (size_t)number < length) facts->segment_size = (uint32_t)number;
    }
  }
}

ssize_t clinux_receive_from(
    int descriptor, void *bytes, size_t capacity, void *spill, size_t spill_capacity,
    struct clinux_datagram *facts) {
  union address source;
  union control control;
  struct iovec vectors[2] = {
      {.iov_base = bytes, .iov_len = capacity},
      {.iov_base = spill, .iov_len = spill_capacity}};
  struct msghdr message = {
      .msg_name = &source, .msg_namelen = sizeof source, .msg_iov = vectors,
      .msg_iovlen = spill_capacity > 0 ? 2 : 1, .msg_control = &control,
      .msg_controllen = sizeof control};
  source.any.sa_family = AF_UNSPEC;
  ssize_t result = syscall(SYS_recvmsg, descriptor, &message, MSG_TRUNC);
  if (result >= 0) read_facts(&message, &source, (size_t)result, facts);
  return result;
}

int clinux_receive_batch(
    int descriptor, void *bytes, size_t stride, unsigned count, void *spill, size_t spill_stride,
    struct clinux_datagram *facts) {
  union address sources[CLINUX_BATCH];
  union control controls[CLINUX_BATCH];
  struct iovec vectors[CLINUX_BATCH][2];
  struct mmsghdr messages[CLINUX_BATCH];
  if (count > CLINUX_BATCH) count = CLINUX_BATCH;
  for (unsigned index = 0; index < count; index++) {
    vectors[index][0].iov_base = (char *)bytes + index * stride;
    vectors[index][0].iov_len = stride;
    vectors[index][1].iov_base = (char *)spill + index * spill_stride;
    vectors[index][1].iov_len = spill_stride;
    sources[index].any.sa_family = AF_UNSPEC;
    messages[index].msg_hdr = (struct msghdr){
        .msg_name = &sources[index], .msg_namelen = sizeof sources[index],
        .msg_iov = vectors[index], .msg_iovlen = spill_stride > 0 ? 2 : 1,
        .msg_control = &controls[index], .msg_controllen = sizeof controls[index]};
  }
  int flags = MSG_TRUNC | MSG_DONTWAIT;
  int result = (int)syscall(SYS_recvmmsg, descriptor, messages, count, flags, NULL);
  for (int index = 0; index < result; index++)
    read_facts(&messages[index].msg_hdr, &sources[index], messages[index].msg_len, &facts[index]);
  return result;
}

void *clinux_zeroed(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL) abort();
  return memory;
}

void clinux_free(void *memory) { free(memory); }

// Sending

static void put(
    struct msghdr *message, union control *control, int level, int type, const void *data,
    size_t size) {
  struct cmsghdr *header = (struct cmsghdr *)(control->bytes + message->msg_controllen);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(header), data, size);
  message->msg_control = control;
  message->msg_controllen += CMSG_SPACE(size);
}

static void put_choices(
    struct msghdr *message, union control *control, const struct clinux_outgoing *datagram) {
  int is_v4 = datagram->carrier == 4;
  if (datagram->source.family != 0 || datagram->interface_index != 0) {
    union address source;
    if (datagram->source.family != 0) to_kernel(&datagram->source, &source);
    else memset(&source, 0, sizeof source);
    if (is_v4) {
      struct in_pktinfo info = {.ipi_ifindex = (int)datagram->interface_index};
      if (datagram->source.family != 0) info.ipi_spec_dst = source.v4.sin_addr;
      put(message, control, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else {
      struct in6_pktinfo info = {.ipi6_ifindex = datagram->interface_index};
      if (datagram->source.family != 0) info.ipi6_addr = source.v6.sin6_addr;
      put(message, control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
  }
  if (datagram->hop_limit >= 0) {
    int value = datagram->hop_limit;
    put(message, control, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TTL : IPV6_HOPLIMIT,
        &value, sizeof value);
  }
  if (datagram->traffic_class >= 0) {
    int value = datagram->traffic_class;
    put(message, control, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TOS : IPV6_TCLASS,
        &value, sizeof value);
  }
}

ssize_t clinux_send_datagram(
    int descriptor, const void *bytes, size_t count, const struct clinux_outgoing *datagram) {
  union address remote;
  union control control;
  struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  memset(&control, 0, sizeof control);
  if (datagram->remote.family != 0) {
    message.msg_name = &remote;
    message.msg_namelen = to_kernel(&datagram->remote, &remote);
  }
  put_choices(&message, &control, datagram);
  return syscall(SYS_sendmsg, descriptor, &message, MSG_NOSIGNAL);
}

static int is_same_address(const struct clinux_address *a, const struct clinux_address *b) {
  return a->low == b->low && a->high == b->high && a->port == b->port && a->zone == b->zone &&
         a->family == b->family;
}

/// Whether a datagram may leave in one message with another before it.
static int is_alike(const struct clinux_outgoing *a, const struct clinux_outgoing *b) {
  return is_same_address(&a->remote, &b->remote) && a->hop_limit == b->hop_limit &&
         a->traffic_class == b->traffic_class && a->interface_index == b->interface_index &&
         is_same_address(&a->source, &b->source);
}

/// How many datagrams from the first on are the pieces of one message: all as long as the first,
/// the last perhaps shorter.
static unsigned run_length(const struct clinux_outgoing *datagrams, unsigned count) {
  size_t size = datagrams[0].length, total = size;
  unsigned run = 1;
  if (size == 0) return 1;
  while (run < count && run < SEGMENTS) {
    const struct clinux_outgoing *next = &datagrams[run];
    if (next->length == 0 || next->length > size || total + next->length > SEGMENTED_BYTES ||
        !is_alike(&datagrams[0], next))
      break;
    total += next->length;
    run++;
    if (next->length < size) break;
  }
  return run;
}

int clinux_send_batch(
    int descriptor, const void *bytes, unsigned count, const struct clinux_outgoing *datagrams,
    int segments) {
  union address remotes[CLINUX_BATCH];
  union control controls[CLINUX_BATCH];
  struct iovec vectors[CLINUX_BATCH];
  struct mmsghdr messages[CLINUX_BATCH];
  unsigned used = 0, first = 0;
  if (count > CLINUX_BATCH) count = CLINUX_BATCH;
  while (first < count) {
    const struct clinux_outgoing *datagram = &datagrams[first];
    unsigned run = segments ? run_length(datagram, count - first) : 1;
    for (unsigned index = first; index < first + run; index++) {
      vectors[index].iov_base = (char *)(uintptr_t)bytes + datagrams[index].offset;
      vectors[index].iov_len = datagrams[index].length;
    }
    struct msghdr header = {.msg_iov = &vectors[first], .msg_iovlen = run};
    if (datagram->remote.family != 0) {
      header.msg_name = &remotes[used];
      header.msg_namelen = to_kernel(&datagram->remote, &remotes[used]);
    }
    put_choices(&header, &controls[used], datagram);
    if (run > 1) {
      uint16_t size = (uint16_t)datagram->length;
      put(&header, &controls[used], IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
    messages[used].msg_hdr = header;
    used++;
    first += run;
  }
  int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  int result = (int)syscall(SYS_sendmmsg, descriptor, messages, used, flags);
  if (result <= 0) return result;
  int sent = 0;
  for (int index = 0; index < result; index++) sent += (int)messages[index].msg_hdr.msg_iovlen;
  return sent;
}
