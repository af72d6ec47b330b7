// A load generator and the reference servers it is measured against: TCP of the kernel, one thread,
// epoll, nothing clever. See Benchmarks/compare, which runs both sides.
//
//   load sink|source|echo PORT            serve until killed
//   load send|recv ADDRESS PORT SECONDS   one connection, bytes one way
//   load rr|crr ADDRESS PORT SECONDS N    N at once: a 64-byte request and its answer, over
//                                         connections that stay (rr) or one made for each (crr)
//   load plain INTERFACE                  switch an interface's offloads off
//
// A client prints `name=value` pairs on one line. Everything that is measured begins after a warm-up
// and ends after SECONDS, whatever the peer does. CONGESTION_CONTROL in the environment is asked of
// every socket, since the default of a new network namespace cannot be chosen from inside.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { block_size = 256 * 1024, write_size = 64 * 1024, request_size = 64, event_limit = 256 };
static const uint64_t warm_up = 300 * 1000 * 1000;
static char block[block_size];

static void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static bool would_block(void) { return errno == EAGAIN || errno == EINTR; }

// MARK: Sockets

static void set_options(int socket) {
  int one = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const char *control = getenv("CONGESTION_CONTROL");
  if (control && setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, control, strlen(control)) < 0)
    fail("TCP_CONGESTION");
}

static struct sockaddr_in address_of(const char *host, const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
    errno = EINVAL;
    fail(host);
  }
  return address;
}

// A connection on its way: with SOCK_NONBLOCK the handshake goes on after the return.
static int open_connection(const struct sockaddr_in *address, int flags) {
  int connection = socket(AF_INET, SOCK_STREAM | flags, 0);
  if (connection < 0) fail("socket");
  set_options(connection);
  if (connect(connection, (const struct sockaddr *)address, sizeof *address) < 0
      && errno != EINPROGRESS)
    fail("connect");
  return connection;
}

// Closes with a reset, so that what is still queued does not burden the next measurement.
static void discard(int connection) {
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(connection);
}

static void watch(int poller, int operation, int descriptor, uint32_t interest, void *owner) {
  struct epoll_event event = {.events = interest, .data.ptr = owner};
  if (epoll_ctl(poller, operation, descriptor, &event) < 0) fail("epoll_ctl");
}

// MARK: Servers

enum service { service_sink, service_source, service_echo };

struct client {
  int socket;
  // What an echo could not write yet.
  char *pending;
  size_t start, end;
};

// Each step answers whether the connection goes on.
static bool sink_step(struct client *client) {
  ssize_t count = read(client->socket, block, block_size);
  return count > 0 || (count < 0 && would_block());
}

static bool source_step(struct client *client, uint32_t ready) {
  if (ready & EPOLLIN && !sink_step(client)) return false;
  if (!(ready & EPOLLOUT)) return true;
  return write(client->socket, block, write_size) >= 0 || would_block();
}

static bool echo_step(struct client *client, int poller) {
  if (client->start == client->end) {
    ssize_t count = read(client->socket, block, write_size);
    if (count <= 0) return count < 0 && would_block();
    ssize_t written = write(client->socket, block, (size_t)count);
    if (written < 0 && !would_block()) return false;
    size_t done = written < 0 ? 0 : (size_t)written;
    if (done == (size_t)count) return true;
    if (!client->pending) client->pending = malloc(write_size);
    if (!client->pending) fail("malloc");
    client->start = 0;
    client->end = (size_t)count - done;
    memcpy(client->pending, block + done, client->end);
    watch(poller, EPOLL_CTL_MOD, client->socket, EPOLLOUT, client);
    return true;
  }
  ssize_t count =
      write(client->socket, client->pending + client->start, client->end - client->start);
  if (count < 0) return would_block();
  client->start += (size_t)count;
  if (client->start == client->end)
    watch(poller, EPOLL_CTL_MOD, client->socket, EPOLLIN, client);
  return true;
}

static void accept_all(int listener, int poller, enum service service) {
  for (;;) {
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (socket < 0) return;
    int one = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct client *client = calloc(1, sizeof *client);
    if (!client) fail("calloc");
    client->socket = socket;
    uint32_t interest = service == service_source ? EPOLLIN | EPOLLOUT : EPOLLIN;
    watch(poller, EPOLL_CTL_ADD, socket, interest, client);
  }
}

static void serve(enum service service, const char *port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (listener < 0) fail("socket");
  int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  set_options(listener);
  struct sockaddr_in address = address_of("0.0.0.0", port);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  if (listen(listener, 4096) < 0) fail("listen");
  int poller = epoll_create1(0);
  watch(poller, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
  for (;;) {
    struct epoll_event events[event_limit];
    int count = epoll_wait(poller, events, event_limit, -1);
    for (int index = 0; index < count; index++) {
      struct client *client = events[index].data.ptr;
      uint32_t ready = events[index].events;
      if (!client) {
        accept_all(listener, poller, service);
        continue;
      }
      bool goes_on = service == service_sink ? sink_step(client)
                   : service == service_source ? source_step(client, ready)
                                               : echo_step(client, poller);
      if (goes_on) continue;
      close(client->socket);
      free(client->pending);
      free(client);
    }
  }
}

// MARK: One-way clients

static void print_rate(const char *name, uint64_t bytes, uint64_t interval) {
  printf("%s_gbit_per_s=%.3f\n", name, (double)bytes * 8 / (double)interval);
}

static uint64_t queued(int connection) {
  int count = 0;
  ioctl(connection, SIOCOUTQ, &count);
  return (uint64_t)count;
}

static void send_bytes(const struct sockaddr_in *address, double seconds) {
  int connection = open_connection(address, 0);
  uint64_t begin = nanoseconds() + warm_up, end = begin + (uint64_t)(seconds * 1e9);
  uint64_t written = 0, written_before = 0, started = 0, now;
  while ((now = nanoseconds()) < end) {
    if (!started && now >= begin) {
      started = now;
      written_before = written - queued(connection);
    }
    ssize_t count = write(connection, block, write_size);
    if (count < 0) fail("write");
    written += (uint64_t)count;
  }
  uint64_t acknowledged = written - queued(connection);
  print_rate("send", acknowledged - written_before, nanoseconds() - started);
  discard(connection);
}

static void receive_bytes(const struct sockaddr_in *address, double seconds) {
  int connection = open_connection(address, 0);
  struct timeval patience = {.tv_sec = 2};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  uint64_t begin = nanoseconds() + warm_up, end = begin + (uint64_t)(seconds * 1e9);
  uint64_t arrived = 0, started = 0, now;
  while ((now = nanoseconds()) < end) {
    if (!started && now >= begin) {
      started = now;
      arrived = 0;
    }
    ssize_t count = read(connection, block, block_size);
    if (count <= 0) fail("read");
    arrived += (uint64_t)count;
  }
  print_rate("receive", arrived, nanoseconds() - started);
  discard(connection);
}

// MARK: Request and response

static uint32_t *latencies;
static size_t latency_count, latency_room;

static void note_latency(uint64_t interval) {
  if (latency_count == latency_room) {
    latency_room = latency_room ? latency_room * 2 : 1 << 18;
    latencies = realloc(latencies, latency_room * sizeof *latencies);
    if (!latencies) fail("realloc");
  }
  latencies[latency_count++] = interval > UINT32_MAX ? UINT32_MAX : (uint32_t)interval;
}

static int by_size(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return a < b ? -1 : a > b;
}

static void print_latencies(const char *name, uint64_t interval, uint64_t failures) {
  if (latency_count == 0) {
    fprintf(stderr, "load: not one answer\n");
    exit(1);
  }
  qsort(latencies, latency_count, sizeof *latencies, by_size);
  printf(
      "%s_per_s=%.0f p50_us=%.1f p99_us=%.1f failures=%llu\n", name,
      (double)latency_count * 1e9 / (double)interval, latencies[latency_count / 2] / 1e3,
      latencies[latency_count * 99 / 100] / 1e3, (unsigned long long)failures);
}

struct exchange {
  int socket;
  bool is_connected;
  size_t received;
  uint64_t begun;
};

static void begin_request(struct exchange *exchange) {
  exchange->received = 0;
  if (write(exchange->socket, block, request_size) != request_size) fail("write");
}

static void begin_connection(
    struct exchange *exchange, const struct sockaddr_in *address, int poller) {
  exchange->begun = nanoseconds();
  exchange->socket = open_connection(address, SOCK_NONBLOCK);
  exchange->is_connected = false;
  watch(poller, EPOLL_CTL_ADD, exchange->socket, EPOLLOUT, exchange);
}

// Goes on with one exchange that is ready; answers false where its connection failed.
static bool exchange_step(
    struct exchange *exchange, int poller, bool reconnects, bool is_measured,
    const struct sockaddr_in *address) {
  if (!exchange->is_connected) {
    int failure = 0;
    socklen_t size = sizeof failure;
    getsockopt(exchange->socket, SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure != 0) return false;
    exchange->is_connected = true;
    watch(poller, EPOLL_CTL_MOD, exchange->socket, EPOLLIN, exchange);
    if (!reconnects) exchange->begun = nanoseconds();
    begin_request(exchange);
    return true;
  }
  ssize_t count = read(exchange->socket, block, block_size);
  if (count <= 0) return count < 0 && would_block();
  exchange->received += (size_t)count;
  if (exchange->received < request_size) return true;
  uint64_t now = nanoseconds();
  if (is_measured) note_latency(now - exchange->begun);
  if (reconnects) {
    close(exchange->socket);
    begin_connection(exchange, address, poller);
  } else {
    exchange->begun = now;
    begin_request(exchange);
  }
  return true;
}

static void exchange_requests(
    const struct sockaddr_in *address, double seconds, size_t width, bool reconnects) {
  struct exchange *exchanges = calloc(width, sizeof *exchanges);
  if (!exchanges) fail("calloc");
  int poller = epoll_create1(0);
  uint64_t begin = nanoseconds() + warm_up, end = begin + (uint64_t)(seconds * 1e9);
  uint64_t failures = 0, now;
  for (size_t index = 0; index < width; index++)
    begin_connection(&exchanges[index], address, poller);
  while ((now = nanoseconds()) < end) {
    struct epoll_event events[event_limit];
    int count = epoll_wait(poller, events, event_limit, 2000);
    if (count == 0) {
      errno = ETIMEDOUT;
      fail("nothing for two seconds");
    }
    for (int index = 0; index < count; index++) {
      struct exchange *exchange = events[index].data.ptr;
      if (exchange_step(exchange, poller, reconnects, now >= begin, address)) continue;
      failures++;
      if (!reconnects) fail("connection");
      close(exchange->socket);
      begin_connection(exchange, address, poller);
    }
  }
  print_latencies(reconnects ? "crr" : "rr", now - begin, failures);
}

// MARK: Interfaces

static void switch_offloads_off(const char *interface) {
  static const uint32_t offloads[] = {
      ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_SSG, ETHTOOL_STXCSUM, ETHTOOL_SRXCSUM};
  int control = socket(AF_INET, SOCK_DGRAM, 0);
  for (size_t index = 0; index < sizeof offloads / sizeof offloads[0]; index++) {
    struct ethtool_value value = {.cmd = offloads[index]};
    struct ifreq request = {.ifr_data = (char *)&value};
    strncpy(request.ifr_name, interface, sizeof request.ifr_name - 1);
    // Some are fixed for a kind of interface; what it has in fact is for the caller to look up.
    if (ioctl(control, SIOCETHTOOL, &request) < 0 && errno != EOPNOTSUPP) fail(interface);
  }
  close(control);
}

int main(int count, char **arguments) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit descriptors = {.rlim_cur = 100000, .rlim_max = 100000};
  setrlimit(RLIMIT_NOFILE, &descriptors);
  const char *verb = count > 1 ? arguments[1] : "";
  if (count == 3) {
    if (!strcmp(verb, "sink")) serve(service_sink, arguments[2]);
    if (!strcmp(verb, "source")) serve(service_source, arguments[2]);
    if (!strcmp(verb, "echo")) serve(service_echo, arguments[2]);
    if (!strcmp(verb, "plain")) return switch_offloads_off(arguments[2]), 0;
  }
  if (count >= 5) {
    struct sockaddr_in address = address_of(arguments[2], arguments[3]);
    double seconds = atof(arguments[4]);
    size_t width = count > 5 ? (size_t)atol(arguments[5]) : 1;
    if (!strcmp(verb, "send")) return send_bytes(&address, seconds), 0;
    if (!strcmp(verb, "recv")) return receive_bytes(&address, seconds), 0;
    if (!strcmp(verb, "rr")) return exchange_requests(&address, seconds, width, false), 0;
    if (!strcmp(verb, "crr")) return exchange_requests(&address, seconds, width, true), 0;
  }
  fprintf(stderr, "usage: load sink|source|echo PORT\n"
                  "       load send|recv ADDRESS PORT SECONDS\n"
                  "       load rr|crr ADDRESS PORT SECONDS CONNECTIONS\n"
                  "       load plain INTERFACE\n");
  return 64;
}
