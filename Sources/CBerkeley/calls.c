#define _GNU_SOURCE
#include "internal.h"

#include <netinet/in.h>

int sockets_open(const char *network) {
  return (int)answer(network == NULL ? -EFAULT : berkeley_open(network));
}

int sockets_open_pair(int nodes[2]) {
  return (int)answer(nodes == NULL ? -EFAULT : berkeley_open_pair(&nodes[0], &nodes[1]));
}

int sockets_close_node(int node) { return (int)answer(berkeley_close_node(node)); }

int sockets_socket(int domain, int type, int protocol) {
  return sockets_socket_on(-1, domain, type, protocol);
}

int sockets_socket_on(int node, int domain, int type, int protocol) {
  int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
  int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (kind & ~0xf) return (int)answer(-EINVAL);
  if (domain != AF_INET && domain != AF_INET6) return (int)answer(-EAFNOSUPPORT);
  if (kind < 0 || kind > SOCK_PACKET) return (int)answer(-EINVAL);
  if (protocol < 0 || protocol >= 263) return (int)answer(-EINVAL);
  int own;
  if (kind == SOCK_STREAM) {
    if (protocol != 0 && protocol != IPPROTO_TCP) return (int)answer(-EPROTONOSUPPORT);
    own = BERKELEY_STREAM;
  } else if (kind == SOCK_DGRAM) {
    if (protocol != 0 && protocol != IPPROTO_UDP) return (int)answer(-EPROTONOSUPPORT);
    own = BERKELEY_DATAGRAM;
  } else if (kind == SOCK_RAW) {
    // IPPROTO_IP is no protocol, and an IP header has eight bits for one.
    if (protocol == 0 || protocol > 255) return (int)answer(-EPROTONOSUPPORT);
    own = BERKELEY_RAW;
  } else {
    return (int)answer(-ESOCKTNOSUPPORT);
  }
  return (int)answer(
      berkeley_socket(
          node, domain == AF_INET ? 4 : 6, own, protocol, (flags & SOCK_NONBLOCK) != 0));
}

int sockets_bind(int descriptor, const struct sockaddr *local, socklen_t length) {
  int family = berkeley_family(descriptor);
  if (family < 0) return (int)answer(family);
  struct berkeley_address address;
  int is_raw = berkeley_kind(descriptor) == BERKELEY_RAW;
  int result = is_raw && family == 4
      ? read_raw_address(local, length, family, &address)
      : read_address(local, length, family, &address);
  // rawv6_bind takes another family for a mistake in the call.
  if (is_raw && (result == -EAFNOSUPPORT || (result == 0 && address.family == 0)))
    result = -EINVAL;
  if (result < 0) return (int)answer(result);
  if (address.family == 0) {
    // Linux takes AF_UNSPEC for AF_INET where it names the wildcard.
    if (family != 4) return (int)answer(-EAFNOSUPPORT);
    struct sockaddr_in ipv4;
    if (length < sizeof ipv4) return (int)answer(-EINVAL);
    memcpy(&ipv4, local, sizeof ipv4);
    if (ipv4.sin_addr.s_addr != htonl(INADDR_ANY)) return (int)answer(-EAFNOSUPPORT);
    address.family = 4;
    address.port = ntohs(ipv4.sin_port);
  }
  return (int)answer(berkeley_bind(descriptor, &address));
}

int sockets_listen(int descriptor, int backlog) {
  return (int)answer(berkeley_listen(descriptor, backlog));
}

int sockets_accept(int descriptor, struct sockaddr *remote, socklen_t *length) {
  return sockets_accept4(descriptor, remote, length, 0);
}

int sockets_accept4(int descriptor, struct sockaddr *remote, socklen_t *length, int flags) {
  if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) return (int)answer(-EINVAL);
  int family = berkeley_family(descriptor);
  if (family < 0) return (int)answer(family);
  if (remote != NULL && length == NULL) return (int)answer(-EFAULT);
  struct berkeley_address address;
  int accepted = berkeley_accept(descriptor, (flags & SOCK_NONBLOCK) != 0, &address);
  if (accepted < 0) return (int)answer(accepted);
  int result = remote == NULL ? 0 : write_address(&address, family, remote, length);
  if (result < 0) {
    berkeley_close(accepted);
    return (int)answer(result);
  }
  return accepted;
}

int sockets_connect(int descriptor, const struct sockaddr *remote, socklen_t length) {
  int family = berkeley_family(descriptor);
  if (family < 0) return (int)answer(family);
  struct berkeley_address address;
  int result = read_address(remote, length, family, &address);
  if (result < 0) return (int)answer(result);
  return (int)answer(berkeley_connect(descriptor, &address));
}

int sockets_shutdown(int descriptor, int how) {
  return (int)answer(berkeley_shutdown(descriptor, how));
}

int sockets_close(int descriptor) { return (int)answer(berkeley_close(descriptor)); }

int sockets_getsockname(int descriptor, struct sockaddr *local, socklen_t *length) {
  int family = berkeley_family(descriptor);
  if (family < 0) return (int)answer(family);
  struct berkeley_address address;
  int result = berkeley_local_address(descriptor, &address);
  if (result < 0) return (int)answer(result);
  return (int)answer(write_address(&address, family, local, length));
}

int sockets_getpeername(int descriptor, struct sockaddr *remote, socklen_t *length) {
  int family = berkeley_family(descriptor);
  if (family < 0) return (int)answer(family);
  struct berkeley_address address;
  int result = berkeley_remote_address(descriptor, &address);
  if (result < 0) return (int)answer(result);
  return (int)answer(write_address(&address, family, remote, length));
}

int sockets_is_descriptor(int descriptor) { return berkeley_is_descriptor(descriptor); }
