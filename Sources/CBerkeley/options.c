#define _GNU_SOURCE
#include "internal.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/time.h>

/// How an option's value lies in memory.
enum form { NUMBER, SMALL_NUMBER, ADDRESS, TIME, LINGER, CONGESTION };

struct option {
  int level, name, meaning;
  enum form form;
  int read_only;
};

static const struct option options[] = {
    {SOL_SOCKET, SO_REUSEADDR, BERKELEY_REUSE_ADDRESS, NUMBER, 0},
    {SOL_SOCKET, SO_REUSEPORT, BERKELEY_REUSE_PORT, NUMBER, 0},
    {SOL_SOCKET, SO_KEEPALIVE, BERKELEY_KEEP_ALIVE, NUMBER, 0},
    {SOL_SOCKET, SO_BROADCAST, BERKELEY_BROADCAST, NUMBER, 0},
    {SOL_SOCKET, SO_SNDBUF, BERKELEY_SEND_BUFFER, NUMBER, 0},
    {SOL_SOCKET, SO_RCVBUF, BERKELEY_RECEIVE_BUFFER, NUMBER, 0},
    {SOL_SOCKET, SO_SNDBUFFORCE, BERKELEY_SEND_BUFFER_FORCE, NUMBER, 0},
    {SOL_SOCKET, SO_RCVBUFFORCE, BERKELEY_RECEIVE_BUFFER_FORCE, NUMBER, 0},
    {SOL_SOCKET, SO_ERROR, BERKELEY_ERROR, NUMBER, 1},
    {SOL_SOCKET, SO_TYPE, BERKELEY_TYPE, NUMBER, 1},
    {SOL_SOCKET, SO_DOMAIN, BERKELEY_DOMAIN, NUMBER, 1},
    {SOL_SOCKET, SO_PROTOCOL, BERKELEY_PROTOCOL, NUMBER, 1},
    {SOL_SOCKET, SO_ACCEPTCONN, BERKELEY_ACCEPTS_CONNECTIONS, NUMBER, 1},
    {SOL_SOCKET, SO_LINGER, BERKELEY_LINGER, LINGER, 0},
    {SOL_SOCKET, SO_RCVTIMEO, BERKELEY_RECEIVE_TIMEOUT, TIME, 0},
    {SOL_SOCKET, SO_SNDTIMEO, BERKELEY_SEND_TIMEOUT, TIME, 0},
    {SOL_SOCKET, SO_RCVLOWAT, BERKELEY_RECEIVE_LOW_WATER, NUMBER, 0},
    {SOL_SOCKET, SO_SNDLOWAT, BERKELEY_SEND_LOW_WATER, NUMBER, 1},
    {SOL_SOCKET, SO_OOBINLINE, BERKELEY_OUT_OF_BAND_INLINE, NUMBER, 0},
    {SOL_SOCKET, SO_DONTROUTE, BERKELEY_DO_NOT_ROUTE, NUMBER, 0},
    {SOL_SOCKET, SO_PRIORITY, BERKELEY_PRIORITY, NUMBER, 0},
    {SOL_SOCKET, SO_MARK, BERKELEY_MARK, NUMBER, 0},
    {SOL_SOCKET, SO_BINDTOIFINDEX, BERKELEY_DEVICE_NUMBER, NUMBER, 0},
    {IPPROTO_TCP, TCP_NODELAY, BERKELEY_NO_DELAY, NUMBER, 0},
    {IPPROTO_TCP, TCP_CORK, BERKELEY_CORK, NUMBER, 0},
    {IPPROTO_TCP, TCP_MAXSEG, BERKELEY_MAXIMUM_SEGMENT, NUMBER, 0},
    {IPPROTO_TCP, TCP_KEEPIDLE, BERKELEY_KEEP_IDLE, NUMBER, 0},
    {IPPROTO_TCP, TCP_KEEPINTVL, BERKELEY_KEEP_INTERVAL, NUMBER, 0},
    {IPPROTO_TCP, TCP_KEEPCNT, BERKELEY_KEEP_COUNT, NUMBER, 0},
    {IPPROTO_TCP, TCP_SYNCNT, BERKELEY_SYN_COUNT, NUMBER, 0},
    {IPPROTO_TCP, TCP_LINGER2, BERKELEY_LINGER_2, NUMBER, 0},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, BERKELEY_DEFER_ACCEPT, NUMBER, 0},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, BERKELEY_WINDOW_CLAMP, NUMBER, 0},
    {IPPROTO_TCP, TCP_QUICKACK, BERKELEY_QUICK_ACKNOWLEDGMENT, NUMBER, 0},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, BERKELEY_USER_TIMEOUT, NUMBER, 0},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, BERKELEY_NOT_SENT_LOW_WATER, NUMBER, 0},
    {IPPROTO_TCP, TCP_INQ, BERKELEY_INQUIRE, NUMBER, 0},
    {IPPROTO_TCP, TCP_CONGESTION, BERKELEY_CONGESTION, CONGESTION, 0},
    {IPPROTO_IP, IP_TOS, BERKELEY_TRAFFIC_CLASS, SMALL_NUMBER, 0},
    {IPPROTO_IP, IP_TTL, BERKELEY_HOPS, SMALL_NUMBER, 0},
    {IPPROTO_IP, IP_MULTICAST_TTL, BERKELEY_MULTICAST_HOPS, SMALL_NUMBER, 0},
    {IPPROTO_IP, IP_MULTICAST_LOOP, BERKELEY_MULTICAST_LOOP, SMALL_NUMBER, 0},
    {IPPROTO_IP, IP_MULTICAST_IF, BERKELEY_MULTICAST_ADDRESS, ADDRESS, 1},
    {IPPROTO_IP, IP_MTU_DISCOVER, BERKELEY_PATH_DISCOVERY, SMALL_NUMBER, 0},
    {IPPROTO_IP, IP_PKTINFO, BERKELEY_RECEIVE_PACKET_INFO, SMALL_NUMBER, 0},
    {IPPROTO_IP, IP_RECVTOS, BERKELEY_RECEIVE_TRAFFIC_CLASS, SMALL_NUMBER, 0},
    {IPPROTO_IP, IP_RECVERR, BERKELEY_RECEIVE_ERRORS, SMALL_NUMBER, 0},
    {IPPROTO_IP, IP_MTU, BERKELEY_PATH_MTU, SMALL_NUMBER, 1},
    {IPPROTO_IP, IP_HDRINCL, BERKELEY_HEADER_INCLUDED, SMALL_NUMBER, 0},
    {IPPROTO_IPV6, IPV6_TCLASS, BERKELEY_TRAFFIC_CLASS, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, BERKELEY_HOPS, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, BERKELEY_MULTICAST_HOPS, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, BERKELEY_MULTICAST_LOOP, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_MULTICAST_IF, BERKELEY_MULTICAST_INTERFACE, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, BERKELEY_PATH_DISCOVERY, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, BERKELEY_RECEIVE_PACKET_INFO, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, BERKELEY_RECEIVE_TRAFFIC_CLASS, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_RECVERR, BERKELEY_RECEIVE_ERRORS, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_MTU, BERKELEY_PATH_MTU, NUMBER, 1},
    {IPPROTO_IPV6, IPV6_V6ONLY, BERKELEY_IPV6_ONLY, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_HDRINCL, BERKELEY_HEADER_INCLUDED, NUMBER, 0},
    {IPPROTO_IPV6, IPV6_CHECKSUM, BERKELEY_CHECKSUM, NUMBER, 0},
    {SOL_RAW, IPV6_HDRINCL, BERKELEY_HEADER_INCLUDED, NUMBER, 0},
    {SOL_RAW, IPV6_CHECKSUM, BERKELEY_CHECKSUM, NUMBER, 0},
};

static const struct option *find(int descriptor, int level, int name) {
  if (level == IPPROTO_TCP && berkeley_kind(descriptor) != BERKELEY_STREAM) return NULL;
  int is_ipv6 = berkeley_family(descriptor) == 6;
  int is_raw = berkeley_kind(descriptor) == BERKELEY_RAW;
  if (level == IPPROTO_IPV6 && !is_ipv6) return NULL;
  if (level == IPPROTO_IP && is_ipv6 && is_raw) return NULL;
  int is_raw_name = name == IPV6_HDRINCL || name == IPV6_CHECKSUM;
  if ((level == SOL_RAW || (level == IPPROTO_IPV6 && is_raw_name)) && !(is_ipv6 && is_raw))
    return NULL;
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (options[i].level == level && options[i].name == name) return &options[i];
  return NULL;
}

static const char *const algorithms[] = {"reno", "cubic"};

static int set_congestion(int descriptor, const char *name, socklen_t length) {
  char text[16];
  if (length < 1) return -EINVAL;
  if (length > sizeof text - 1) length = sizeof text - 1;
  memcpy(text, name, length);
  text[length] = 0;
  for (int i = 0; i < 2; i++)
    if (strcmp(text, algorithms[i]) == 0)
      return berkeley_set_option(descriptor, BERKELEY_CONGESTION, i);
  return -ENOENT;
}

/// SO_BINDTODEVICE: by the name of an interface of the socket's node; an empty one for any.
static int set_device(int descriptor, const char *name, socklen_t length) {
  char wanted[16] = "", found[16];
  if (length > sizeof wanted - 1) length = sizeof wanted - 1;
  if (length > 0 && name == NULL) return -EFAULT;
  if (length > 0) memcpy(wanted, name, length);
  if (wanted[0] == 0) return berkeley_set_option(descriptor, BERKELEY_DEVICE, -1);
  for (int number = 0; number < 256; number++) {
    int result = berkeley_device_name(descriptor, number, found);
    if (result == -ENODEV) break;
    if (result < 0) return result;
    if (strcmp(wanted, found) == 0)
      return berkeley_set_option(descriptor, BERKELEY_DEVICE, number);
  }
  return -ENODEV;
}

static int get_device(int descriptor, char *name, socklen_t *length) {
  int64_t number;
  char found[16];
  int result = berkeley_get_option(descriptor, BERKELEY_DEVICE, &number);
  if (result < 0) return result;
  if (length == NULL) return -EFAULT;
  if ((int)*length < 0) return -EINVAL;
  if (number < 0) {
    *length = 0;
    return 0;
  }
  if (*length < sizeof found) return -EINVAL;
  result = berkeley_device_name(descriptor, (int)number, found);
  if (result < 0) return result;
  if (name == NULL) return -EFAULT;
  *length = (socklen_t)strlen(found) + 1;
  memcpy(name, found, *length);
  return 0;
}

static int set(int descriptor, int level, int name, const void *value, socklen_t length) {
  if (!berkeley_is_descriptor(descriptor)) return -EBADF;
  int kind = berkeley_kind(descriptor);
  if (kind < 0) return -ENOTSOCK;
  if ((int)length < 0) return -EINVAL;
  if (is_group_option(descriptor, level, name))
    return set_group(descriptor, level, name, value, length);
  if (level == SOL_SOCKET && name == SO_BINDTODEVICE) return set_device(descriptor, value, length);
  if (is_sources_option(descriptor, level, name))
    return set_sources(descriptor, level, name, value, length);
  if (is_filter_level(descriptor, level)) return set_filter(descriptor, name, value, length);
  const struct option *option = find(descriptor, level, name);
  if (option == NULL || option->read_only) return -ENOPROTOOPT;
  if (option->form == CONGESTION) {
    if (length < 1) return -EINVAL;
    return value == NULL ? -EFAULT : set_congestion(descriptor, value, length);
  }
  int number = 0;
  if (option->form == SMALL_NUMBER && length < sizeof number) {
    if (length >= 1) {
      if (value == NULL) return -EFAULT;
      number = *(const unsigned char *)value;
    }
    return berkeley_set_option(descriptor, option->meaning, number);
  }
  if (length < sizeof number) return -EINVAL;
  if (value == NULL) return -EFAULT;
  memcpy(&number, value, sizeof number);
  switch (option->form) {
    case NUMBER:
    case SMALL_NUMBER: return berkeley_set_option(descriptor, option->meaning, number);
    case LINGER: {
      struct linger linger;
      if (length < sizeof linger) return -EINVAL;
      memcpy(&linger, value, sizeof linger);
      int64_t seconds = (unsigned int)linger.l_linger;
      return berkeley_set_option(descriptor, option->meaning, linger.l_onoff ? seconds : -1);
    }
    case TIME: {
      struct timeval time;
      if (length < sizeof time) return -EINVAL;
      memcpy(&time, value, sizeof time);
      if (time.tv_usec < 0 || time.tv_usec >= 1000000) return -EDOM;
      // A time below zero is over at once (socket(7)).
      int64_t limit = time.tv_sec < 0 ? 1
          : time.tv_sec > 1000000000
          ? 0 : (int64_t)time.tv_sec * 1000000000 + (int64_t)time.tv_usec * 1000;
      return berkeley_set_option(descriptor, option->meaning, limit);
    }
    default: return -ENOPROTOOPT;
  }
}

int sockets_setsockopt(int descriptor, int level, int name, const void *value, socklen_t length) {
  return (int)answer(set(descriptor, level, name, value, length));
}

/// What newer kernels tell behind what the header here knows.
struct longer_tcp_info {
  struct tcp_info info;
  uint32_t more[32];
};

static uint32_t clamp(uint64_t value) { return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value; }

static int get_tcp_info(int descriptor, struct tcp_info *target) {
  struct berkeley_tcp_info from;
  memset(target, 0, sizeof *target);
  int result = berkeley_get_tcp_info(descriptor, &from);
  if (result < 0) return result;
  uint32_t segment = from.send_segment > 0 ? from.send_segment : 1;
  target->tcpi_state = from.state;
  target->tcpi_ca_state = from.recovery;
  target->tcpi_retransmits = from.retransmits;
  target->tcpi_backoff = from.retransmits;
  target->tcpi_options =
      (from.has_timestamps ? TCPI_OPT_TIMESTAMPS : 0) | (from.has_sack ? TCPI_OPT_SACK : 0) |
      (from.has_window_scale ? TCPI_OPT_WSCALE : 0) | (from.has_ecn ? TCPI_OPT_ECN : 0);
  target->tcpi_snd_wscale = from.send_scale;
  target->tcpi_rcv_wscale = from.receive_scale;
  target->tcpi_rto = from.timeout;
  target->tcpi_ato = 40000;
  target->tcpi_snd_mss = from.send_segment;
  target->tcpi_rcv_mss = from.receive_segment;
  target->tcpi_advmss = from.announced_segment;
  target->tcpi_pmtu = from.path_mtu;
  target->tcpi_unacked = clamp((from.unacknowledged + segment - 1) / segment);
  target->tcpi_sacked = clamp((from.selectively_acknowledged + segment - 1) / segment);
  target->tcpi_lost = clamp((from.lost + segment - 1) / segment);
  target->tcpi_retrans = clamp((from.retransmitted_now + segment - 1) / segment);
  target->tcpi_last_data_sent = from.since_data_sent;
  target->tcpi_last_data_recv = from.since_data_received;
  target->tcpi_last_ack_recv = from.since_acknowledgment;
  target->tcpi_rtt = from.round_trip;
  target->tcpi_rttvar = from.round_trip_variation;
  target->tcpi_min_rtt = from.minimum_round_trip;
  target->tcpi_snd_ssthresh =
      from.threshold > 0x7fffffff ? 0x7fffffff : clamp(from.threshold / segment);
  target->tcpi_snd_cwnd = clamp(from.congestion_window / segment);
  target->tcpi_reordering = from.reordering;
  target->tcpi_probes = from.probes;
  target->tcpi_rcv_space = clamp(from.receive_window);
  target->tcpi_rcv_ssthresh = clamp(from.receive_window);
  target->tcpi_total_retrans = clamp(from.segments_retransmitted);
  target->tcpi_bytes_acked = from.bytes_acknowledged;
  target->tcpi_bytes_received = from.bytes_received;
  target->tcpi_segs_out = clamp(from.segments_sent);
  target->tcpi_segs_in = clamp(from.segments_received);
  target->tcpi_notsent_bytes = clamp(from.not_sent);
  target->tcpi_data_segs_in = clamp(from.data_segments_received);
  target->tcpi_data_segs_out = clamp(from.data_segments_sent);
  target->tcpi_bytes_sent = from.bytes_sent;
  target->tcpi_bytes_retrans = from.bytes_retransmitted;
  target->tcpi_snd_wnd = clamp(from.send_window);
  target->tcpi_busy_time = from.busy_time;
  target->tcpi_rwnd_limited = from.window_limited_time;
  return 0;
}

/// The size of struct tcp_info in Linux 6.18; what we do not know is zero.
enum { linux_size = 280 };
_Static_assert(sizeof(struct longer_tcp_info) >= linux_size, "room for all of TCP_INFO");

static int get(int descriptor, int level, int name, void *value, socklen_t *length) {
  if (!berkeley_is_descriptor(descriptor)) return -EBADF;
  if (berkeley_kind(descriptor) < 0) return -ENOTSOCK;
  if (level == SOL_SOCKET && name == SO_BINDTODEVICE) return get_device(descriptor, value, length);
  if (is_sources_option(descriptor, level, name))
    return get_sources(descriptor, level, name, value, length);
  if (is_filter_level(descriptor, level)) return get_filter(descriptor, name, value, length);
  const struct option *option = find(descriptor, level, name);
  int is_info = level == IPPROTO_TCP && name == TCP_INFO &&
      berkeley_kind(descriptor) == BERKELEY_STREAM;
  int is_meminfo = level == SOL_SOCKET && name == SO_MEMINFO;
  int is_congestion_info = level == IPPROTO_TCP && name == TCP_CC_INFO;
  if (option == NULL && !is_info && !is_meminfo && !is_congestion_info) {
    // As ip_getsockopt refuses what neither layer above it knows.
    int is_known = level == SOL_SOCKET || level == IPPROTO_IP ||
        (level == SOL_RAW && berkeley_kind(descriptor) == BERKELEY_RAW) ||
        (level == IPPROTO_TCP && berkeley_kind(descriptor) == BERKELEY_STREAM);
    return is_known || berkeley_family(descriptor) != 4 ? -ENOPROTOOPT : -EOPNOTSUPP;
  }
  if (length == NULL) return -EFAULT;
  if ((int)*length < 0) return -EINVAL;
  union {
    int number;
    unsigned char small;
    struct timeval time;
    struct linger linger;
    char name[16];
    struct tcp_info info;
    struct longer_tcp_info longer;
    uint32_t memory[9];
  } result;
  memset(&result, 0, sizeof result);
  socklen_t size = sizeof(int);
  if (is_info) {
    int failure = get_tcp_info(descriptor, &result.info);
    if (failure < 0) return failure;
    size = linux_size;
  } else if (is_congestion_info) {
    size = 0;
  } else if (is_meminfo) {
    int64_t number = 0;
    result.memory[0] = (uint32_t)berkeley_readable_bytes(descriptor);
    berkeley_get_option(descriptor, BERKELEY_RECEIVE_BUFFER, &number);
    result.memory[1] = (uint32_t)number;
    berkeley_get_option(descriptor, BERKELEY_SEND_BUFFER, &number);
    result.memory[3] = (uint32_t)number;
    int queued = berkeley_unacknowledged_bytes(descriptor);
    result.memory[2] = result.memory[5] = queued < 0 ? 0 : (uint32_t)queued;
    size = sizeof result.memory;
  } else {
    int64_t number;
    int failure = berkeley_get_option(descriptor, option->meaning, &number);
    if (failure < 0) return failure;
    switch (option->form) {
      case NUMBER: result.number = (int)number; break;
      case ADDRESS: result.number = (int)htonl((uint32_t)number); break;
      case SMALL_NUMBER:
        result.number = (int)number;
        // As a byte where the caller has no room for more.
        if (*length < sizeof(int) && *length > 0 && number >= 0 && number <= 255) {
          result.small = (unsigned char)number;
          size = 1;
        }
        break;
      case TIME:
        result.time.tv_sec = number / 1000000000;
        result.time.tv_usec = number % 1000000000 / 1000;
        size = sizeof result.time;
        break;
      case LINGER:
        result.linger.l_onoff = number >= 0;
        result.linger.l_linger = number >= 0 ? (int)number : 0;
        size = sizeof result.linger;
        break;
      case CONGESTION:
        strcpy(result.name, algorithms[number == 0 ? 0 : 1]);
        size = sizeof result.name;
        break;
    }
  }
  if (*length < size) size = *length;
  if (size > 0 && value == NULL) return -EFAULT;
  if (size > 0) memcpy(value, &result, size);
  *length = size;
  return 0;
}

int sockets_getsockopt(int descriptor, int level, int name, void *value, socklen_t *length) {
  return (int)answer(get(descriptor, level, name, value, length));
}
