// Calls drawn from a seed, on a few sockets that know one another.
#include "calls.h"
#include "include/cases.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <time.h>

#define SLOTS 6
#define ALL (POLLIN | POLLOUT | POLLRDHUP | POLLPRI)

enum kind { NONE, STREAM, DATAGRAM };

struct slot {
  int descriptor;
  enum kind kind;
  int family;
  int is_listening;
  /// Shut down before it was connected: what a stream then begins is shut down on Linux alone, and
  /// a datagram socket looks there for the way first.
  int is_spoilt;
  /// What a socket of IPv6 has been connected to: on Linux it is lost for the other family.
  int reached;
};

struct world {
  struct run *run;
  struct slot slots[SLOTS];
  uint64_t state;
  /// Microseconds to wait after each call for what it leads to.
  int patience;
  /// Where nobody listens.
  int vacant;
};

static uint32_t draw(struct world *world, uint32_t bound) {
  world->state ^= world->state << 13;
  world->state ^= world->state >> 7;
  world->state ^= world->state << 17;
  return (uint32_t)((world->state >> 20) % bound);
}

/// One of the sockets of a kind, or of any; -1: there is none.
static int pick(struct world *world, enum kind kind) {
  int found[SLOTS], count = 0;
  for (int i = 0; i < SLOTS; i++)
    if (world->slots[i].kind != NONE && (kind == NONE || world->slots[i].kind == kind))
      found[count++] = i;
  return count == 0 ? -1 : found[draw(world, (uint32_t)count)];
}

static int hole(struct world *world) {
  for (int i = 0; i < SLOTS; i++)
    if (world->slots[i].kind == NONE) return i;
  return -1;
}

/// The port of a socket or of its peer, zero where it has none.
static int port(struct world *world, int slot, int of_peer) {
  struct sockaddr_in6 address = {0};
  socklen_t length = sizeof address;
  int saved = errno;
  int descriptor = world->slots[slot].descriptor;
  // The port has the same place in addresses of IPv6.
  int result = of_peer ? world->run->calls->getpeername(descriptor, (void *)&address, &length)
                       : world->run->calls->getsockname(descriptor, (void *)&address, &length);
  errno = saved;
  return result == 0 ? ntohs(address.sin6_port) : 0;
}

/// A port by whose it is, for the systems give out different ones.
static void name_port(struct world *world, enum kind kind, int number, char *name, size_t size) {
  if (number == 0) {
    snprintf(name, size, "none");
    return;
  }
  int used = snprintf(name, size, "%s", number == world->vacant ? "vacant" : "of");
  for (int i = 0; i < SLOTS; i++)
    if (world->slots[i].kind == kind && port(world, i, 0) == number)
      used += snprintf(name + used, size - (size_t)used, " %d", i);
}

static void settle(struct world *world) {
  struct timespec time = {world->patience / 1000000, world->patience % 1000000 * 1000L};
  nanosleep(&time, NULL);
}

static void wrote(struct world *world, const char *text, long result) {
  answered(world->run, text, result);
  settle(world);
}

/// Reads all there is, so that a reset takes nothing along.
static void drain(struct world *world, int slot) {
  static char bytes[65536];
  if (world->slots[slot].kind != STREAM || world->slots[slot].is_listening) return;
  for (int i = 0; i < 64; i++)
    if (world->run->calls->recv(world->slots[slot].descriptor, bytes, sizeof bytes, MSG_DONTWAIT)
        <= 0)
      return;
}

/// Empties the peer's socket, too. Returns whether there is one.
static int drain_peer(struct world *world, int slot) {
  int own = port(world, slot, 0), found = 0;
  for (int i = 0; i < SLOTS; i++)
    if (i != slot && world->slots[i].kind == STREAM && port(world, i, 1) == own && own != 0) {
      drain(world, i);
      found = 1;
    }
  return found;
}

static void open_one(struct world *world, char *text, size_t size) {
  int slot = hole(world);
  if (slot < 0) return;
  enum kind kind = draw(world, 3) == 0 ? DATAGRAM : STREAM;
  int family = draw(world, 3) == 0 ? AF_INET6 : AF_INET;
  int descriptor = world->run->calls->socket(
      family, (kind == STREAM ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
  snprintf(text, size, "%d = socket(%s, %d)", slot, kind == STREAM ? "stream" : "datagram",
           family == AF_INET ? 4 : 6);
  if (descriptor < 0) return wrote(world, text, descriptor);
  world->slots[slot] = (struct slot){.descriptor = descriptor, .kind = kind, .family = family};
  note(world->run, "%s\n", text);
}

struct address {
  struct sockaddr_storage bytes;
  socklen_t length;
};

/// An address as a socket takes it. `family` is that of whoever it leads to, zero: of everybody.
static struct address address_for(struct world *world, int slot, int family, int port) {
  struct address result = {.length = sizeof(struct sockaddr_in)};
  if (world->slots[slot].family == AF_INET) {
    struct sockaddr_in address = loopback(port);
    if (family == 0) address.sin_addr.s_addr = INADDR_ANY;
    memcpy(&result.bytes, &address, sizeof address);
    return result;
  }
  struct sockaddr_in6 address = loopback6(port);
  if (family == 0) address.sin6_addr = in6addr_any;
  if (family == AF_INET) inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.sin6_addr);
  memcpy(&result.bytes, &address, sizeof address);
  result.length = sizeof address;
  return result;
}

/// The family of the packets that go there.
static int reaches(const struct address *address) {
  const struct sockaddr_in6 *ipv6 = (const void *)&address->bytes;
  return ipv6->sin6_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr) ? AF_INET
                                                                                : AF_INET6;
}

/// An address of one of the sockets, or where nobody listens.
static struct address target(struct world *world, int slot, char *name, size_t size) {
  int number = 0, other = pick(world, NONE);
  if (other >= 0 && draw(world, 6) != 0) number = port(world, other, 0);
  if (number == 0) number = world->vacant;
  name_port(world, other < 0 ? NONE : world->slots[other].kind, number, name, size);
  int family = number == world->vacant ? AF_INET : world->slots[other].family;
  return address_for(world, slot, family, number);
}

static void bind_one(struct world *world, int slot, char *text, size_t size) {
  int number = 0;
  char name[64] = "any";
  if (draw(world, 4) == 0) {
    int other = pick(world, world->slots[slot].kind);
    // A datagram socket that is connected leaves its port free on other addresses of Linux.
    int is_narrow = world->slots[slot].kind == DATAGRAM && other >= 0 && port(world, other, 1) != 0;
    number = other < 0 || is_narrow ? 0 : port(world, other, 0);
    if (number != 0) name_port(world, world->slots[other].kind, number, name, sizeof name);
  }
  int everywhere = draw(world, 3) == 0;
  struct address address =
      address_for(world, slot, everywhere ? 0 : world->slots[slot].family, number);
  snprintf(text, size, "bind(%d, %s, port %s)", slot, everywhere ? "wildcard" : "loopback", name);
  wrote(world, text,
        world->run->calls->bind(world->slots[slot].descriptor, (void *)&address.bytes,
                                address.length));
}

static void accept_one(struct world *world, int slot, char *text, size_t size) {
  int place = hole(world);
  if (place < 0) return;
  struct sockaddr_in6 address = {0};
  socklen_t length = sizeof address;
  int descriptor = world->run->calls->accept4(world->slots[slot].descriptor, (void *)&address,
                                              &length, SOCK_NONBLOCK);
  snprintf(text, size, "accept(%d)", slot);
  if (descriptor < 0) return wrote(world, text, descriptor);
  char name[64];
  name_port(world, STREAM, ntohs(address.sin6_port), name, sizeof name);
  note(world->run, "%d = %s from port %s\n", place, text, name);
  world->slots[place] = (struct slot){
      .descriptor = descriptor, .kind = STREAM, .family = world->slots[slot].family};
}

static void send_one(struct world *world, int slot, char *text, size_t size) {
  static char bytes[5000];
  static const size_t lengths[] = {0, 1, 100, 5000};
  size_t length = lengths[draw(world, 4)];
  int may_address = world->slots[slot].kind == STREAM || !world->slots[slot].is_spoilt;
  if (draw(world, 3) == 0 && may_address) {
    char name[64];
    struct address address = target(world, slot, name, sizeof name);
    if (world->slots[slot].reached + reaches(&address) == AF_INET + AF_INET6) return;
    snprintf(text, size, "sendto(%d, %zu bytes, port %s)", slot, length, name);
    wrote(world, text,
          world->run->calls->sendto(world->slots[slot].descriptor, bytes, length, MSG_NOSIGNAL,
                                    (void *)&address.bytes, address.length));
  } else {
    snprintf(text, size, "send(%d, %zu bytes)", slot, length);
    wrote(world, text,
          world->run->calls->send(world->slots[slot].descriptor, bytes, length, MSG_NOSIGNAL));
  }
}

static void receive_one(struct world *world, int slot, char *text, size_t size) {
  static char bytes[65536];
  static const size_t lengths[] = {1, 50, 3000, 65536};
  static const int flags[] = {0, 0, 0, MSG_PEEK, MSG_TRUNC, MSG_PEEK | MSG_TRUNC, MSG_WAITALL};
  size_t length = lengths[draw(world, 4)];
  int flag = flags[draw(world, 7)];
  struct sockaddr_in6 address = {0};
  socklen_t room = sizeof address;
  long result = world->run->calls->recvfrom(world->slots[slot].descriptor, bytes, length, flag,
                                            (void *)&address, &room);
  int reason = errno;
  char name[64] = "";
  if (result >= 0)
    name_port(world, world->slots[slot].kind, ntohs(address.sin6_port), name, sizeof name);
  snprintf(text, size, "recvfrom(%d, %zu, %#x) %s", slot, length, flag, name);
  errno = reason;
  wrote(world, text, result);
}

static void set_one(struct world *world, int slot, char *text, size_t size) {
  static const struct {
    int level, option;
    const char *name;
  } options[] = {
      {SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"}, {SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"},
      {IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"},  {SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"},
      {SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST"}, {IPPROTO_TCP, TCP_CORK, "TCP_CORK"},
      {IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"},
  };
  uint32_t which = draw(world, world->slots[slot].family == AF_INET6 ? 7 : 6);
  int value = (int)draw(world, 2);
  snprintf(text, size, "setsockopt(%d, %s, %d)", slot, options[which].name, value);
  wrote(world, text,
        world->run->calls->setsockopt(world->slots[slot].descriptor, options[which].level,
                                      options[which].option, &value, sizeof value));
}

static void ask_one(struct world *world, int slot, char *text, size_t size) {
  int descriptor = world->slots[slot].descriptor;
  int value = 0;
  socklen_t length = sizeof value;
  char name[64];
  switch (draw(world, 6)) {
  case 0: {
    long result = world->run->calls->getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &length);
    snprintf(text, size, "SO_ERROR of %d: %s", slot, value == 0 ? "0" : strerrorname_np(value));
    return wrote(world, text, result);
  }
  case 1:
    name_port(world, world->slots[slot].kind, port(world, slot, 0), name, sizeof name);
    note(world->run, "%d has port %s\n", slot, name);
    return;
  case 2: {
    struct sockaddr_in6 address = {0};
    length = sizeof address;
    long result = world->run->calls->getpeername(descriptor, (void *)&address, &length);
    int reason = errno;
    name_port(world, world->slots[slot].kind, result < 0 ? 0 : ntohs(address.sin6_port), name,
              sizeof name);
    snprintf(text, size, "peer of %d has port %s", slot, name);
    errno = reason;
    return wrote(world, text, result);
  }
  case 3: {
    long result = world->run->calls->ioctl(descriptor, FIONREAD, &value);
    snprintf(text, size, "FIONREAD of %d: %d", slot, result < 0 ? 0 : value);
    return wrote(world, text, result);
  }
  default: {
    struct pollfd interest = {descriptor, ALL, 0};
    long result = world->run->calls->poll(&interest, 1, 0);
    snprintf(text, size, "poll(%d): %#x", slot, (unsigned short)interest.revents);
    return wrote(world, text, result);
  }
  }
}

/// Has the socket end its connection with a reset.
static void reset_when_closed(struct world *world, int slot) {
  struct linger linger = {1, 0};
  world->run->calls->setsockopt(world->slots[slot].descriptor, SOL_SOCKET, SO_LINGER, &linger,
                                sizeof linger);
}

static void close_one(struct world *world, int slot, char *text, size_t size) {
  drain(world, slot);
  if (draw(world, 4) == 0 && world->slots[slot].kind == STREAM && drain_peer(world, slot)) {
    reset_when_closed(world, slot);
    snprintf(text, size, "close(%d) with a reset", slot);
  } else {
    snprintf(text, size, "close(%d)", slot);
  }
  long result = world->run->calls->close(world->slots[slot].descriptor);
  world->slots[slot] = (struct slot){.kind = NONE};
  wrote(world, text, result);
}

static int is_own(struct world *world, int slot, const struct address *address) {
  return ((const struct sockaddr_in *)&address->bytes)->sin_port == htons(port(world, slot, 0));
}

static void listen_one(struct world *world, int slot, char *text, size_t size) {
  if (world->slots[slot].is_listening || world->slots[slot].is_spoilt) return;
  snprintf(text, size, "listen(%d)", slot);
  long result = world->run->calls->listen(world->slots[slot].descriptor, 8);
  if (result == 0) world->slots[slot].is_listening = 1;
  wrote(world, text, result);
}

static void connect_one(struct world *world, int slot, char *text, size_t size) {
  char name[64];
  struct address address = target(world, slot, name, sizeof name);
  int family = reaches(&address);
  if (world->slots[slot].reached + family == AF_INET + AF_INET6) return;
  // One that talks to itself waits for its own acknowledgments.
  if (strcmp(name, "vacant") != 0 && is_own(world, slot, &address)) return;
  int is_free = port(world, slot, 1) == 0 || drain_peer(world, slot);
  if ((draw(world, 8) == 0 && is_free) || world->slots[slot].is_spoilt) {
    world->slots[slot].is_listening = world->slots[slot].is_spoilt = 0;
    address.bytes.ss_family = AF_UNSPEC;
    family = world->slots[slot].reached;
    snprintf(name, sizeof name, "nobody");
  }
  world->slots[slot].reached = family;
  snprintf(text, size, "connect(%d, port %s)", slot, name);
  wrote(world, text,
        world->run->calls->connect(world->slots[slot].descriptor, (void *)&address.bytes,
                                   address.length));
}

static void shut_one(struct world *world, int slot, char *text, size_t size) {
  int how = (int)draw(world, 3);
  snprintf(text, size, "shutdown(%d, %d)", slot, how);
  long result = world->run->calls->shutdown(world->slots[slot].descriptor, how);
  if (result < 0) world->slots[slot].is_spoilt = 1;
  if (result == 0 && how != 1) world->slots[slot].is_listening = 0;
  wrote(world, text, result);
}

static void step(struct world *world) {
  char text[256] = "";
  int slot = pick(world, draw(world, 3) == 0 ? NONE : STREAM);
  uint32_t which = draw(world, 26);
  if (which < 4 || slot < 0) return open_one(world, text, sizeof text);
  if (which < 6) return bind_one(world, slot, text, sizeof text);
  if (which < 8) return listen_one(world, slot, text, sizeof text);
  if (which < 12) return connect_one(world, slot, text, sizeof text);
  if (which < 15) return accept_one(world, slot, text, sizeof text);
  if (which < 18) return send_one(world, slot, text, sizeof text);
  if (which < 20) return receive_one(world, slot, text, sizeof text);
  if (which < 21) return shut_one(world, slot, text, sizeof text);
  if (which < 22) return set_one(world, slot, text, sizeof text);
  if (which < 25) return ask_one(world, slot, text, sizeof text);
  close_one(world, slot, text, sizeof text);
}

void cases_run_random(unsigned long seed, int count, int patience, int is_linux, char *transcript,
                      size_t size) {
  struct run run = cases_begin(is_linux, transcript, size);
  struct world world = {.run = &run, .state = (seed + 1) * 0x9E3779B97F4A7C15u,
                        .patience = patience};
  // Held for the whole run, without listening.
  int guard = run.calls->socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(0);
  run.calls->bind(guard, ADDRESS(address));
  world.vacant = port_of(&run, guard);
  for (int i = 0; i < count; i++) step(&world);
  for (int i = 0; i < SLOTS; i++)
    if (world.slots[i].kind != NONE) {
      if (world.slots[i].kind == STREAM) reset_when_closed(&world, i);
      run.calls->close(world.slots[i].descriptor);
    }
  run.calls->close(guard);
}
