/// What cases that check for themselves have in common.
#ifndef SWIFT_SOCKETS_CASES_CHECK_H
#define SWIFT_SOCKETS_CASES_CHECK_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

/// Ends the function with the line that was not as expected.
#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      static char complaint[200]; \
      snprintf(complaint, sizeof complaint, "%s: %s (errno %d)", __func__, #condition, errno); \
      return complaint; \
    } \
  } while (0)

#define ADDRESS(address) (struct sockaddr *)&(address), sizeof(address)

/// The byte at a place of a stream in which no part resembles another.
static inline uint8_t pattern(long place) { return (uint8_t)(place * 2654435761u >> 13); }

#endif
