/// Raw and packet sockets, and the queue of errors.
///
/// Every function answers what the system call it is named after answers, with `errno` set the same
/// way.
#ifndef SWIFT_SOCKETS_CLINUX_RAW_H
#define SWIFT_SOCKETS_CLINUX_RAW_H

#include "CLinuxSockets.h"

/// A new raw socket of family 4 or 6, non-blocking, closed on exec. Needs CAP_NET_RAW.
int clinux_raw_socket(int family, int protocol);
/// ICMP6_FILTER: 256 bits, set for the types that are blocked.
int clinux_block_messages(int descriptor, const uint32_t *blocked);

/// What a router or a host said about a packet of ours.
struct clinux_reported_error {
  /// Who said it; of family 0 where it is not known.
  struct clinux_address offender;
  /// The errno.
  int32_t number;
  /// The MTU, where a packet was too large.
  uint32_t information;
  uint8_t is_icmp;
  uint8_t type;
  uint8_t code;
  uint8_t hop_limit;
};

/// recvmsg of the error queue: as much as there is of the packet it is about, from its transport
/// header on.
ssize_t clinux_receive_error(
    int descriptor, void *bytes, size_t capacity, struct clinux_reported_error *error);

/// A frame's facts, or where one is to go.
struct clinux_frame {
  /// All of its bytes, also those there was no room for.
  size_t length;
  /// The sender's, of one received; the receiver's, of one to be sent.
  uint64_t station;
  uint32_t interface_index;
  uint16_t ether_type;
  /// sll_pkttype.
  uint8_t direction;
  uint8_t has_station;
};

/// A new packet socket, bound, non-blocking, closed on exec. Needs CAP_NET_RAW. Zero stands for
/// every type, and every interface.
int clinux_packet_socket(int is_cooked, uint16_t ether_type, uint32_t interface_index);
ssize_t clinux_packet_receive(
    int descriptor, void *bytes, size_t capacity, struct clinux_frame *frame);
ssize_t clinux_packet_send(
    int descriptor, const void *bytes, size_t count, const struct clinux_frame *frame);
/// PACKET_STATISTICS, which begin anew each time.
int clinux_packet_statistics(int descriptor, uint32_t *seen, uint32_t *dropped);

#endif
