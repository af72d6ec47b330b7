/// The seam between the calls in C, which know Linux's structures, and their meaning in Swift.
///
/// Each function answers a result of zero and more, or an errno below zero.
#ifndef SWIFT_SOCKETS_BERKELEY_H
#define SWIFT_SOCKETS_BERKELEY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// An IP address and a port, all in the machine's byte order. IPv4 uses the 32 bits at the bottom.
struct berkeley_address {
  uint64_t high;
  uint64_t low;
  uint32_t zone;
  uint16_t port;
  /// 4, 6, or 0 for none.
  uint8_t family;
};

struct berkeley_piece {
  void *bytes;
  size_t count;
};

/// What came with a datagram.
struct berkeley_facts {
  struct berkeley_address source;
  struct berkeley_address destination;
  uint32_t interface_index;
  /// MSG_TRUNC.
  int32_t flags;
  uint8_t traffic_class;
};

/// As struct pollfd.
struct berkeley_interest {
  int descriptor;
  int16_t events;
  int16_t returned;
};

/// As struct epoll_event.
struct berkeley_event {
  uint32_t events;
  uint64_t data;
#ifdef __x86_64__
} __attribute__((packed));
#else
};
#endif

enum { BERKELEY_STREAM, BERKELEY_DATAGRAM, BERKELEY_RAW };

/// Options with an integer for a value, and times in nanoseconds.
enum {
  BERKELEY_REUSE_ADDRESS,
  BERKELEY_REUSE_PORT,
  BERKELEY_KEEP_ALIVE,
  BERKELEY_BROADCAST,
  BERKELEY_SEND_BUFFER,
  BERKELEY_RECEIVE_BUFFER,
  BERKELEY_SEND_BUFFER_FORCE,
  BERKELEY_RECEIVE_BUFFER_FORCE,
  BERKELEY_ERROR,
  BERKELEY_TYPE,
  BERKELEY_DOMAIN,
  BERKELEY_PROTOCOL,
  BERKELEY_ACCEPTS_CONNECTIONS,
  /// The seconds; -1 where it is off.
  BERKELEY_LINGER,
  BERKELEY_RECEIVE_TIMEOUT,
  BERKELEY_SEND_TIMEOUT,
  BERKELEY_RECEIVE_LOW_WATER,
  BERKELEY_SEND_LOW_WATER,
  BERKELEY_OUT_OF_BAND_INLINE,
  BERKELEY_DO_NOT_ROUTE,
  BERKELEY_PRIORITY,
  BERKELEY_MARK,
  /// The number of an interface; -1 for none.
  BERKELEY_DEVICE,
  /// The same, as SO_BINDTOIFINDEX has it: 0 for none.
  BERKELEY_DEVICE_NUMBER,
  BERKELEY_NO_DELAY,
  BERKELEY_CORK,
  BERKELEY_MAXIMUM_SEGMENT,
  BERKELEY_KEEP_IDLE,
  BERKELEY_KEEP_INTERVAL,
  BERKELEY_KEEP_COUNT,
  BERKELEY_SYN_COUNT,
  BERKELEY_LINGER_2,
  BERKELEY_DEFER_ACCEPT,
  BERKELEY_WINDOW_CLAMP,
  BERKELEY_QUICK_ACKNOWLEDGMENT,
  BERKELEY_USER_TIMEOUT,
  BERKELEY_NOT_SENT_LOW_WATER,
  BERKELEY_INQUIRE,
  /// 0 for Reno, 1 for CUBIC.
  BERKELEY_CONGESTION,
  BERKELEY_TRAFFIC_CLASS,
  BERKELEY_HOPS,
  BERKELEY_MULTICAST_HOPS,
  BERKELEY_MULTICAST_LOOP,
  BERKELEY_MULTICAST_INTERFACE,
  /// The address that named it, in host order; 0 for none.
  BERKELEY_MULTICAST_ADDRESS,
  BERKELEY_PATH_DISCOVERY,
  BERKELEY_RECEIVE_PACKET_INFO,
  BERKELEY_RECEIVE_TRAFFIC_CLASS,
  BERKELEY_RECEIVE_ERRORS,
  BERKELEY_IPV6_ONLY,
  BERKELEY_PATH_MTU,
  BERKELEY_HEADER_INCLUDED,
  /// Where it is; -1 for nowhere.
  BERKELEY_CHECKSUM,
  BERKELEY_OPTION_COUNT
};

/// What may be asked about a multicast group (RFC 3678).
enum {
  BERKELEY_JOIN_GROUP,
  BERKELEY_LEAVE_GROUP,
  BERKELEY_JOIN_SOURCE,
  BERKELEY_LEAVE_SOURCE,
  BERKELEY_BLOCK_SOURCE,
  BERKELEY_UNBLOCK_SOURCE
};

struct berkeley_group_request {
  struct berkeley_address group;
  /// Of family 0 where the whole group is meant.
  struct berkeley_address source;
  /// The interface by an address of its; of family 0 where none is named.
  struct berkeley_address local;
  /// The interface by its number, or 0.
  uint32_t interface_index;
};

/// What of TCP_INFO the stack tells: bytes, segments and microseconds.
struct berkeley_tcp_info {
  uint8_t state;
  uint8_t recovery;
  uint8_t retransmits;
  uint8_t has_timestamps;
  uint8_t has_sack;
  uint8_t has_window_scale;
  uint8_t has_ecn;
  uint8_t send_scale;
  uint8_t receive_scale;
  uint32_t timeout;
  uint32_t send_segment;
  uint32_t receive_segment;
  uint32_t announced_segment;
  uint32_t path_mtu;
  uint64_t unacknowledged;
  uint64_t selectively_acknowledged;
  uint64_t lost;
  uint64_t retransmitted_now;
  uint32_t round_trip;
  uint32_t round_trip_variation;
  uint32_t minimum_round_trip;
  uint64_t threshold;
  uint64_t congestion_window;
  uint32_t since_data_sent;
  uint32_t since_data_received;
  uint32_t since_acknowledgment;
  uint64_t segments_sent;
  uint64_t segments_received;
  uint64_t data_segments_sent;
  uint64_t data_segments_received;
  uint64_t bytes_sent;
  uint64_t bytes_received;
  uint64_t bytes_acknowledged;
  uint64_t bytes_retransmitted;
  uint64_t segments_retransmitted;
  uint64_t not_sent;
  uint64_t send_window;
  uint64_t receive_window;
  uint64_t timeouts;
  uint8_t probes;
  uint32_t reordering;
  // In microseconds.
  uint64_t busy_time;
  uint64_t window_limited_time;
};

int berkeley_open(const char *network);
int berkeley_open_pair(int *first, int *second);
int berkeley_close_node(int node);
/// `node` -1 is the first that is open. `family` 4 or 6. `protocol` of a raw socket, 1 to 255.
int berkeley_socket(int node, int family, int kind, int protocol, int non_blocking);
int berkeley_bind(int descriptor, const struct berkeley_address *local);
int berkeley_listen(int descriptor, int backlog);
int berkeley_accept(int descriptor, int non_blocking, struct berkeley_address *remote);
int berkeley_connect(int descriptor, const struct berkeley_address *remote);
int berkeley_shutdown(int descriptor, int how);
int berkeley_close(int descriptor);
int berkeley_local_address(int descriptor, struct berkeley_address *local);
int berkeley_remote_address(int descriptor, struct berkeley_address *remote);
/// BERKELEY_STREAM, BERKELEY_DATAGRAM or BERKELEY_RAW.
int berkeley_kind(int descriptor);
int berkeley_family(int descriptor);
ssize_t berkeley_send(
    int descriptor, const struct berkeley_piece *pieces, int count, int flags,
    const struct berkeley_address *remote);
ssize_t berkeley_receive(
    int descriptor, const struct berkeley_piece *pieces, int count, int flags,
    struct berkeley_facts *facts);
int berkeley_set_option(int descriptor, int option, int64_t value);
int berkeley_get_option(int descriptor, int option, int64_t *value);
/// Writes the name of an interface of the socket's node.
///
/// - Parameter name: room for 16 bytes.
/// - Returns: -ENODEV where there is none of the number.
int berkeley_device_name(int descriptor, int number, char *name);
/// ICMP6_FILTER: eight words, a bit for each type that is not heard.
int berkeley_set_filter(int descriptor, const uint32_t *blocked);
int berkeley_get_filter(int descriptor, uint32_t *blocked);
int berkeley_get_tcp_info(int descriptor, struct berkeley_tcp_info *information);
/// IP_MULTICAST_IF: by a number, or where that is 0 by an address, if there is one.
int berkeley_choose_interface(
    int descriptor, uint32_t number, const struct berkeley_address *local);
/// `change` BERKELEY_JOIN_GROUP or another one.
int berkeley_change_group(
    int descriptor, int change, const struct berkeley_group_request *request);
/// All sources of a group at a time; their number is what is answered.
int berkeley_set_sources(
    int descriptor, const struct berkeley_group_request *request, int is_exclude,
    const struct berkeley_address *sources, int count);
int berkeley_get_sources(
    int descriptor, const struct berkeley_group_request *request, int *is_exclude,
    struct berkeley_address *sources, int capacity);
int berkeley_set_non_blocking(int descriptor, int non_blocking);
int berkeley_is_non_blocking(int descriptor);
/// Bytes to read; bytes unacknowledged; bytes never sent.
int berkeley_readable_bytes(int descriptor);
/// Whether the peer will send no more.
int berkeley_has_ended(int descriptor);
int berkeley_unacknowledged_bytes(int descriptor);
int berkeley_unsent_bytes(int descriptor);
/// `timeout` in nanoseconds, negative for none.
int berkeley_poll(struct berkeley_interest *interests, int count, int64_t timeout);
int berkeley_epoll_create(void);
/// `operation` as epoll_ctl's.
int berkeley_epoll_control(
    int instance, int operation, int descriptor, uint32_t events, uint64_t data);
int berkeley_epoll_wait(int instance, struct berkeley_event *events, int count, int64_t timeout);
int berkeley_is_descriptor(int descriptor);

// A node whose network and whose time are its user's, for packetdrill: packets are put in and
// taken out one by one, and time passes only when it is told to. There is one at a time.

/// `description`: addresses with their lengths, and "mtu=NUMBER" if it is not 1500.
int berkeley_plug_open(const char *description);
/// Starts the stack, with the options of TCP that /proc/sys/net/ipv4 has at that moment, unless it
/// has been started.
int berkeley_plug_begin(void);
void berkeley_plug_close(void);
int berkeley_plug_inject(const void *packet, size_t count);
/// Lets time pass until a packet leaves, at most ten seconds. Its length, or 0; and when it left,
/// in microseconds.
ssize_t berkeley_plug_take(void *packet, size_t capacity, int64_t *microseconds);
void berkeley_plug_pass(int64_t microseconds);
/// Microseconds; each question takes one.
int64_t berkeley_plug_now(void);

#endif
