/// What the files of this module share.
#ifndef SWIFT_SOCKETS_INTERNAL_H
#define SWIFT_SOCKETS_INTERNAL_H

#include "berkeley.h"
#include "sockets.h"

#include <errno.h>
#include <string.h>

/// -1 and errno for a result below zero.
static inline ssize_t answer(ssize_t result) {
  if (result >= 0) return result;
  errno = (int)-result;
  return -1;
}

/// Reads a sockaddr for a socket of `family`, 4 or 6; 0 or an errno below zero. AF_UNSPEC reads as
/// family 0.
int read_address(
    const struct sockaddr *given, socklen_t length, int family, struct berkeley_address *address);
/// The same for a raw socket that takes whatever family is said for its own.
int read_raw_address(
    const struct sockaddr *given, socklen_t length, int family, struct berkeley_address *address);
/// Writes a sockaddr for a socket of `family` as far as there is room, and its full length.
int write_address(
    const struct berkeley_address *address, int family, struct sockaddr *target,
    socklen_t *length);
/// Whether an option is about being in a multicast group, and setting it.
int is_group_option(int descriptor, int level, int name);
int set_group(int descriptor, int level, int name, const void *value, socklen_t length);
/// Whether an option is all sources of a group at a time, and what it is.
int is_sources_option(int descriptor, int level, int name);
int set_sources(int descriptor, int level, int name, const void *value, socklen_t length);
int get_sources(int descriptor, int level, int name, void *value, socklen_t *length);
/// Whether an option is of ICMPv6, on a raw socket, and what ICMP6_FILTER is.
int is_filter_level(int descriptor, int level);
int set_filter(int descriptor, int name, const void *value, socklen_t length);
int get_filter(int descriptor, int name, void *value, socklen_t *length);
/// Nanoseconds; negative for none.
int64_t nanoseconds_of_milliseconds(int timeout);

#endif
