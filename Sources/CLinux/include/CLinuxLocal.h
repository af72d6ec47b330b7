/// Sockets between processes of one machine (unix(7)), without the parts of their interface that
/// Swift cannot import. Nothing here keeps state; `errno` is set as the system calls set it.
#ifndef SWIFT_SOCKETS_CLINUX_LOCAL_H
#define SWIFT_SOCKETS_CLINUX_LOCAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
  /// Bytes of a name: a path, or an abstract name with its leading zero.
  CLINUX_LOCAL_NAME = 108,
  /// The most descriptors that one message passes (SCM_MAX_FD).
  CLINUX_DESCRIPTORS = 253,
};

enum { CLINUX_LOCAL_STREAM, CLINUX_LOCAL_PACKETS, CLINUX_LOCAL_DATAGRAM };

/// SO_PEERCRED.
struct clinux_credentials {
  int32_t process;
  uint32_t user;
  uint32_t group;
};

enum {
  /// The message was longer than the room for it.
  CLINUX_LOCAL_TRUNCATED = 1,
  /// Descriptors were passed that this process had no room for.
  CLINUX_LOCAL_DESCRIPTORS_LOST = 2,
};

/// What came with bytes.
struct clinux_local_message {
  uint32_t flags;
  /// Of the sender's name.
  uint32_t name_length;
  uint32_t descriptor_count;
};

// A name is a path, an abstract name, which begins with a zero, or none, of length zero.

int clinux_local_socket(int kind);
int clinux_local_pair(int kind, int descriptors[2]);
int clinux_local_bind(int descriptor, const uint8_t *name, size_t length);
int clinux_local_connect(int descriptor, const uint8_t *name, size_t length);
int clinux_local_accept(int descriptor);
/// getsockname or getpeername. Answers the name's length.
ssize_t clinux_local_name(int descriptor, int of_peer, uint8_t name[CLINUX_LOCAL_NAME]);
int clinux_local_credentials(int descriptor, struct clinux_credentials *credentials);
/// sendmsg, with descriptors to pass along. Does not wait, raises no signal.
ssize_t clinux_local_send(
    int descriptor, const void *bytes, size_t count, const uint8_t *name, size_t length,
    const int *passed, unsigned passed_count);
/// recvmsg. Descriptors that come along are closed on exec, and the caller's to close.
ssize_t clinux_local_receive(
    int descriptor, void *bytes, size_t capacity, uint8_t name[CLINUX_LOCAL_NAME], int *passed,
    unsigned passed_capacity, struct clinux_local_message *facts);

#endif
