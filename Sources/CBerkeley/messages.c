#define _GNU_SOURCE
#include "internal.h"

#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

_Static_assert(sizeof(struct berkeley_piece) == sizeof(struct iovec), "the layout of iovec");

/// The sum of the pieces' lengths, or an errno: what the kernel refuses of an iovec.
static ssize_t total(const struct iovec *vectors, int count) {
  if (count < 0 || count > IOV_MAX) return -EINVAL;
  if (count > 0 && vectors == NULL) return -EFAULT;
  size_t sum = 0;
  for (int i = 0; i < count; i++) {
    if (vectors[i].iov_len > (size_t)SSIZE_MAX - sum) return -EINVAL;
    sum += vectors[i].iov_len;
  }
  return (ssize_t)sum;
}

/// The most one call moves, as Linux's MAX_RW_COUNT.
static size_t clamped(size_t count) { return count > 0x7ffff000 ? 0x7ffff000 : count; }

/// A datagram is one piece: several are put together.
static ssize_t send_pieces(
    int descriptor, const struct iovec *vectors, int count, int flags,
    const struct berkeley_address *remote) {
  int kind = berkeley_kind(descriptor);
  if (kind < 0) return kind;
  ssize_t sum = total(vectors, count);
  if (sum < 0) return sum;
  ssize_t result;
  if (kind != BERKELEY_STREAM && count != 1) {
    if (sum > 65535) return -EMSGSIZE;
    uint8_t whole[65535];
    size_t place = 0;
    for (int i = 0; i < count; place += vectors[i].iov_len, i++)
      if (vectors[i].iov_base != NULL)
        memcpy(whole + place, vectors[i].iov_base, vectors[i].iov_len);
      else if (vectors[i].iov_len > 0)
        return -EFAULT;
    struct berkeley_piece piece = {whole, place};
    result = berkeley_send(descriptor, &piece, 1, flags, remote);
  } else {
    result = berkeley_send(
        descriptor, (const struct berkeley_piece *)vectors, count, flags, remote);
  }
  if (result == -EPIPE && kind == BERKELEY_STREAM && !(flags & MSG_NOSIGNAL))
    pthread_kill(pthread_self(), SIGPIPE);
  return result;
}

static ssize_t receive_pieces(
    int descriptor, const struct iovec *vectors, int count, int flags,
    struct berkeley_facts *facts) {
  int kind = berkeley_kind(descriptor);
  if (kind < 0) return kind;
  memset(facts, 0, sizeof *facts);
  ssize_t sum = total(vectors, count);
  if (sum < 0) return sum;
  if (kind == BERKELEY_STREAM || count == 1)
    return berkeley_receive(
        descriptor, (const struct berkeley_piece *)vectors, count, flags, facts);
  uint8_t whole[65535];
  struct berkeley_piece piece = {whole, (size_t)sum < sizeof whole ? (size_t)sum : sizeof whole};
  ssize_t result = berkeley_receive(descriptor, &piece, 1, flags, facts);
  if (result < 0) return result;
  size_t here = (size_t)result < piece.count ? (size_t)result : piece.count;
  size_t place = 0;
  for (int i = 0; i < count && place < here; i++) {
    size_t length = vectors[i].iov_len < here - place ? vectors[i].iov_len : here - place;
    if (vectors[i].iov_base == NULL && length > 0) return -EFAULT;
    if (length > 0) memcpy(vectors[i].iov_base, whole + place, length);
    place += length;
  }
  return result;
}

ssize_t sockets_read(int descriptor, void *bytes, size_t count) {
  return sockets_recvfrom(descriptor, bytes, count, 0, NULL, NULL);
}

ssize_t sockets_readv(int descriptor, const struct iovec *vectors, int count) {
  struct berkeley_facts facts;
  return answer(receive_pieces(descriptor, vectors, count, 0, &facts));
}

ssize_t sockets_recv(int descriptor, void *bytes, size_t count, int flags) {
  return sockets_recvfrom(descriptor, bytes, count, flags, NULL, NULL);
}

ssize_t sockets_recvfrom(
    int descriptor, void *bytes, size_t count, int flags, struct sockaddr *remote,
    socklen_t *length) {
  struct berkeley_facts facts;
  struct iovec vector = {bytes, clamped(count)};
  ssize_t result = receive_pieces(descriptor, &vector, 1, flags, &facts);
  if (result < 0) return answer(result);
  if (remote != NULL) {
    if (length == NULL) return answer(-EFAULT);
    if (facts.source.family == 0) {
      *length = 0;
    } else {
      int written = write_address(&facts.source, berkeley_family(descriptor), remote, length);
      if (written < 0) return answer(written);
    }
  }
  return result;
}

/// Appends a control message if there is room; else MSG_CTRUNC.
static void put_control(
    struct msghdr *message, size_t *used, int level, int type, const void *data, size_t size) {
  if (message->msg_control == NULL || *used + CMSG_SPACE(size) > message->msg_controllen) {
    message->msg_flags |= MSG_CTRUNC;
    return;
  }
  struct cmsghdr *header = (struct cmsghdr *)((uint8_t *)message->msg_control + *used);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(header), data, size);
  *used += CMSG_SPACE(size);
}

static void put_controls(
    int descriptor, struct msghdr *message, const struct berkeley_facts *facts, ssize_t stream) {
  size_t used = 0;
  int64_t wants = 0;
  if (berkeley_get_option(descriptor, BERKELEY_RECEIVE_PACKET_INFO, &wants) == 0 && wants &&
      facts->destination.family != 0) {
    if (berkeley_family(descriptor) == 4) {
      struct in_pktinfo info;
      memset(&info, 0, sizeof info);
      info.ipi_ifindex = (int)facts->interface_index;
      info.ipi_addr.s_addr = htonl((uint32_t)facts->destination.low);
      info.ipi_spec_dst = info.ipi_addr;
      put_control(message, &used, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else {
      struct sockaddr_in6 address;
      socklen_t length = sizeof address;
      write_address(&facts->destination, 6, (struct sockaddr *)&address, &length);
      struct in6_pktinfo info = {address.sin6_addr, facts->interface_index};
      put_control(message, &used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
  }
  if (berkeley_get_option(descriptor, BERKELEY_RECEIVE_TRAFFIC_CLASS, &wants) == 0 && wants &&
      facts->source.family != 0) {
    if (facts->source.family == 4) {
      put_control(message, &used, IPPROTO_IP, IP_TOS, &facts->traffic_class, 1);
    } else {
      int value = facts->traffic_class;
      put_control(message, &used, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof value);
    }
  }
  // TCP_CM_INQ: what is left to read.
  if (stream >= 0 && berkeley_get_option(descriptor, BERKELEY_INQUIRE, &wants) == 0 && wants) {
    int left = berkeley_readable_bytes(descriptor);
    // One more to read where there is the end to see, as in Linux's tcp_inq_hint.
    if (left == 0 && berkeley_has_ended(descriptor) == 1) left = 1;
    put_control(message, &used, IPPROTO_TCP, 36, &left, sizeof left);
  }
  message->msg_controllen = used;
}

ssize_t sockets_recvmsg(int descriptor, struct msghdr *message, int flags) {
  if (message == NULL) return answer(-EFAULT);
  if (message->msg_iovlen > IOV_MAX) return answer(-EMSGSIZE);
  struct berkeley_facts facts;
  ssize_t result = receive_pieces(
      descriptor, message->msg_iov, (int)message->msg_iovlen, flags, &facts);
  if (result < 0) return answer(result);
  message->msg_flags = facts.flags;
  if (message->msg_name != NULL && facts.source.family != 0) {
    socklen_t length = message->msg_namelen;
    int written =
        write_address(&facts.source, berkeley_family(descriptor), message->msg_name, &length);
    if (written < 0) return answer(written);
    message->msg_namelen = length;
  } else {
    message->msg_namelen = 0;
  }
  int isStream = berkeley_kind(descriptor) == BERKELEY_STREAM;
  put_controls(descriptor, message, &facts, isStream ? result : -1);
  return result;
}

int sockets_recvmmsg(
    int descriptor, struct mmsghdr *messages, unsigned int count, int flags,
    struct timespec *timeout) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t end = timeout == NULL
      ? INT64_MAX
      : ((int64_t)now.tv_sec + timeout->tv_sec) * 1000000000 + now.tv_nsec + timeout->tv_nsec;
  unsigned int done = 0;
  while (done < count) {
    int own = flags & ~MSG_WAITFORONE;
    if (done > 0 && flags & MSG_WAITFORONE) own |= MSG_DONTWAIT;
    ssize_t result = sockets_recvmsg(descriptor, &messages[done].msg_hdr, own);
    if (result < 0) return done > 0 ? (int)done : -1;
    messages[done++].msg_len = (unsigned int)result;
    // recvmmsg(2): the timeout is looked at after each datagram only.
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec >= end) break;
  }
  return (int)done;
}

ssize_t sockets_write(int descriptor, const void *bytes, size_t count) {
  return sockets_sendto(descriptor, bytes, count, 0, NULL, 0);
}

ssize_t sockets_writev(int descriptor, const struct iovec *vectors, int count) {
  return answer(send_pieces(descriptor, vectors, count, 0, NULL));
}

ssize_t sockets_send(int descriptor, const void *bytes, size_t count, int flags) {
  return sockets_sendto(descriptor, bytes, count, flags, NULL, 0);
}

ssize_t sockets_sendto(
    int descriptor, const void *bytes, size_t count, int flags, const struct sockaddr *remote,
    socklen_t length) {
  struct iovec vector = {(void *)bytes, clamped(count)};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_name = (void *)remote;
  message.msg_namelen = length;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  return sockets_sendmsg(descriptor, &message, flags);
}

ssize_t sockets_sendmsg(int descriptor, const struct msghdr *message, int flags) {
  if (message == NULL) return answer(-EFAULT);
  if (message->msg_iovlen > IOV_MAX) return answer(-EMSGSIZE);
  struct berkeley_address address;
  address.family = 0;
  int family = berkeley_family(descriptor);
  if (family < 0) return answer(family);
  // A stream looks at no address.
  int kind = berkeley_kind(descriptor);
  if (message->msg_name != NULL && kind != BERKELEY_STREAM) {
    int result = read_address(message->msg_name, message->msg_namelen, family, &address);
    // To raw sockets, no family is their own.
    if (result == 0 && address.family == 0 && kind == BERKELEY_RAW)
      result = read_raw_address(message->msg_name, message->msg_namelen, family, &address);
    if (result < 0) return answer(result);
    if (address.family == 0 && family == 4) return answer(-EAFNOSUPPORT);
  }
  return answer(send_pieces(
      descriptor, message->msg_iov, (int)message->msg_iovlen, flags,
      address.family == 0 ? NULL : &address));
}

int sockets_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned int count, int flags) {
  unsigned int done = 0;
  while (done < count) {
    ssize_t result = sockets_sendmsg(descriptor, &messages[done].msg_hdr, flags);
    if (result < 0) return done > 0 ? (int)done : -1;
    messages[done++].msg_len = (unsigned int)result;
  }
  return (int)done;
}
