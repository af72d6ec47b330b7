/// The kernel's Internet sockets, without the parts of their interface that Swift cannot import:
/// address structures that stand for one another, and control messages walked by macros.
///
/// Nothing here keeps state. Every function answers what the system call it is named after
/// answers, with `errno` set the same way.
#ifndef SWIFT_SOCKETS_CLINUX_SOCKETS_H
#define SWIFT_SOCKETS_CLINUX_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// An IP address and a port, all in the machine's byte order. IPv4 uses the 32 bits at the bottom.
struct clinux_address {
  uint64_t high;
  uint64_t low;
  /// sin6_scope_id.
  uint32_t zone;
  uint16_t port;
  /// 4, 6, or 0 where there is none.
  uint8_t family;
};

/// What came with a datagram.
struct clinux_datagram {
  struct clinux_address source;
  /// Without a port; of family 0 unless the socket was told to tell it.
  struct clinux_address destination;
  /// All of its bytes, also those there was no room for.
  size_t length;
  uint32_t interface_index;
  /// Bytes of each of the datagrams that the kernel has put together into this one, the last
  /// perhaps shorter; zero where it is one.
  uint32_t segment_size;
  uint8_t hop_limit;
  /// IP_TOS, IPV6_TCLASS.
  uint8_t traffic_class;
};

/// What of TCP_INFO is asked for. Times are in microseconds.
struct clinux_tcp_information {
  uint8_t state;
  uint32_t round_trip_time;
  uint32_t round_trip_variation;
  uint32_t minimum_round_trip;
  uint32_t retransmission_timeout;
  /// Bytes; the threshold is zero before the first loss.
  uint64_t congestion_window;
  uint64_t slow_start_threshold;
  uint32_t maximum_segment;
  /// Segments.
  uint32_t unacknowledged;
  uint32_t lost;
  uint32_t reordering;
  uint32_t not_sent_bytes;
  uint64_t bytes_sent;
  uint64_t bytes_received;
  uint64_t bytes_acknowledged;
  uint32_t segments_sent;
  uint32_t segments_received;
  uint32_t retransmitted_segments;
  uint64_t delivery_rate;
  uint64_t bytes_retransmitted;
  uint32_t data_segments_sent;
  uint32_t data_segments_received;
  /// Milliseconds; since the establishment where there was none.
  uint32_t since_data_sent;
  uint32_t since_data_received;
  uint64_t busy_time;
  uint64_t window_limited_time;
};

enum { CLINUX_STREAM, CLINUX_DATAGRAM, CLINUX_ECHO };

enum {
  CLINUX_REUSE_ADDRESS,
  CLINUX_KEEP_ALIVE,
  CLINUX_BROADCAST,
  CLINUX_SEND_BUFFER,
  CLINUX_RECEIVE_BUFFER,
  CLINUX_ERROR,
  CLINUX_NO_DELAY,
  CLINUX_MAXIMUM_SEGMENT,
  CLINUX_KEEP_IDLE,
  CLINUX_KEEP_INTERVAL,
  CLINUX_KEEP_COUNT,
  CLINUX_USER_TIMEOUT,
  CLINUX_IPV6_ONLY,
  CLINUX_HOPS_4,
  CLINUX_HOPS_6,
  CLINUX_MULTICAST_HOPS_4,
  CLINUX_MULTICAST_HOPS_6,
  CLINUX_PACKET_INFO_4,
  CLINUX_PACKET_INFO_6,
  CLINUX_RECEIVE_HOPS_4,
  CLINUX_RECEIVE_HOPS_6,
  CLINUX_MULTICAST_LOOP_4,
  CLINUX_MULTICAST_LOOP_6,
  CLINUX_MULTICAST_INTERFACE_6,
  CLINUX_REUSE_PORT,
  CLINUX_TRAFFIC_CLASS_4,
  CLINUX_TRAFFIC_CLASS_6,
  CLINUX_RECEIVE_TRAFFIC_CLASS_4,
  CLINUX_RECEIVE_TRAFFIC_CLASS_6,
  CLINUX_MULTICAST_ALL_4,
  CLINUX_MULTICAST_ALL_6,
  CLINUX_COALESCE,
  CLINUX_RECEIVE_ERRORS_4,
  CLINUX_RECEIVE_ERRORS_6,
  CLINUX_MARK,
  CLINUX_PRIORITY,
  CLINUX_CORK,
  CLINUX_QUICK_ACK,
  CLINUX_NOT_SENT_LOW_WATER,
  CLINUX_DEFER_ACCEPT,
  CLINUX_FAST_OPEN,
  CLINUX_FAST_OPEN_CONNECT,
  CLINUX_WINDOW_CLAMP,
  CLINUX_SYN_COUNT,
  CLINUX_FIN_TIMEOUT,
  CLINUX_FREE_BIND,
  CLINUX_DONT_ROUTE,
  CLINUX_BUSY_POLL,
  CLINUX_HEADER_INCLUDED_4,
  CLINUX_HEADER_INCLUDED_6,
  CLINUX_CHECKSUM_OFFSET_6,
};

/// A new socket of family 4 or 6, non-blocking, closed on exec. An echo socket needs no privileges
/// where net.ipv4.ping_group_range allows it.
int clinux_socket(int family, int kind);
int clinux_bind(int descriptor, const struct clinux_address *local);
int clinux_connect(int descriptor, const struct clinux_address *remote);
int clinux_listen(int descriptor, int backlog);
/// accept4; the connection is non-blocking and closed on exec.
int clinux_accept(int descriptor, struct clinux_address *remote);
int clinux_local_address(int descriptor, struct clinux_address *local);
int clinux_remote_address(int descriptor, struct clinux_address *remote);
int clinux_shutdown_send(int descriptor);
/// Ends both directions at once, though others still hold the socket: with a reset (connect to
/// AF_UNSPEC) where one is asked for or bytes are unread, else in order (SHUT_RDWR).
void clinux_end(int descriptor, int resets);

/// recv and send, not as points at which a thread may be cancelled: no thread of ours is. Without
/// a signal where the peer is gone.
ssize_t clinux_receive(int descriptor, void *bytes, size_t capacity);
ssize_t clinux_send(int descriptor, const void *bytes, size_t count);
ssize_t clinux_send_to(
    int descriptor, const void *bytes, size_t count, const struct clinux_address *remote);
/// recvmsg: the datagram's bytes as far as there is room, and what came with it. What `bytes` has
/// no room for goes to `spill`.
ssize_t clinux_receive_from(
    int descriptor, void *bytes, size_t capacity, void *spill, size_t spill_capacity,
    struct clinux_datagram *facts);

/// A datagram to be sent.
struct clinux_outgoing {
  /// Of family 0 for the address the socket is connected to.
  struct clinux_address remote;
  /// Of family 0 for the one the kernel chooses.
  struct clinux_address source;
  /// Where its bytes begin, from the batch's first.
  size_t offset;
  size_t length;
  /// Zero for the one the kernel chooses.
  uint32_t interface_index;
  /// Negative for the socket's own.
  int16_t hop_limit;
  int16_t traffic_class;
  /// The IP version it leaves with, 4 or 6.
  uint8_t carrier;
};

/// sendmsg: one datagram, from `bytes`.
ssize_t clinux_send_datagram(
    int descriptor, const void *bytes, size_t count, const struct clinux_outgoing *datagram);

/// The most datagrams that one of the two calls below carries, but for those that the kernel puts
/// together.
enum { CLINUX_BATCH = 64 };

/// recvmmsg: up to CLINUX_BATCH datagrams, each to `stride` bytes of its own, and then to
/// `spill_stride` bytes of its own. Does not wait.
int clinux_receive_batch(
    int descriptor, void *bytes, size_t stride, unsigned count, void *spill, size_t spill_stride,
    struct clinux_datagram *facts);
/// calloc, of bytes; ends the process where there is no memory, as Swift does.
void *clinux_zeroed(size_t size);
void clinux_free(void *memory);

/// sendmmsg: up to CLINUX_BATCH datagrams. With `segments`, neighbours of one length, and to one
/// place, leave as one message that the kernel cuts (UDP_SEGMENT). Answers how many datagrams were
/// sent.
int clinux_send_batch(
    int descriptor, const void *bytes, unsigned count, const struct clinux_outgoing *datagrams,
    int segments);

/// Leaves (0), joins (1), unblocks (2) or blocks (3): MCAST_LEAVE_GROUP, MCAST_JOIN_GROUP and their
/// siblings for a source.
int clinux_change_membership(
    int descriptor, int change, const struct clinux_address *group,
    const struct clinux_address *source, uint32_t interface_index);
/// IP_MULTICAST_IF.
int clinux_set_multicast_interface_4(int descriptor, uint32_t interface_index);
/// if_nametoindex: zero where there is none.
uint32_t clinux_interface_index(const char *name);

int clinux_set_option(int descriptor, int option, int value);
int clinux_get_option(int descriptor, int option, int *value);
/// TCP_CONGESTION.
int clinux_set_congestion_control(int descriptor, const char *name);
int clinux_congestion_control(int descriptor, char *name, size_t size);
/// SO_BINDTODEVICE.
int clinux_set_device(int descriptor, const char *name);
int clinux_device(int descriptor, char *name, size_t size);
/// SO_LINGER: with zero seconds, closing resets; less than that is off.
int clinux_set_linger(int descriptor, int seconds);
int clinux_linger(int descriptor, int *seconds);
int clinux_tcp_information_of(int descriptor, struct clinux_tcp_information *information);

// What is moved without passing through the process. None of them waits for the peer, nor raises a
// signal where it is gone.

/// pipe2, closed on exec, with room for `size` bytes where that is allowed.
int clinux_pipe(int ends[2], int size);
/// splice, from a connection to a pipe that must be empty: a full one would answer EAGAIN, too.
ssize_t clinux_splice_in(int descriptor, int pipe, size_t count);
/// splice, from a pipe to a connection.
ssize_t clinux_splice_out(int pipe, int descriptor, size_t count);
/// sendfile. Waits for the disk.
ssize_t clinux_send_file(int descriptor, int file, int64_t offset, size_t count);
/// Whether a byte of a file can be read without waiting for the disk (RWF_NOWAIT), or is beyond its
/// end. Zero also where nobody can tell.
int clinux_is_cached(int file, int64_t offset);

#endif
