/// The C library's resolver: what it knows of a name by the files, services and servers that this
/// machine is set up with (nsswitch.conf).
#ifndef SWIFT_SOCKETS_CLINUX_NAMES_H
#define SWIFT_SOCKETS_CLINUX_NAMES_H

#include "CLinuxSockets.h"

enum {
  CLINUX_NAME_NOT_FOUND = -1,
  CLINUX_NAME_HAS_NO_DATA = -2,
  CLINUX_NAME_FAILED = -3,
};

/// getaddrinfo for stream sockets: writes up to `capacity` addresses in the order to try them, and
/// blocks until it knows.
///
/// Answers how many, or one of the constants above; then `complaint` says what the library says, a
/// text that stays.
int clinux_look_up(
    const char *name, struct clinux_address *addresses, int capacity, const char **complaint);

#endif
