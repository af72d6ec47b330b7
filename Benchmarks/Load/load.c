// A load generator and the reference servers it is measured against: sockets of the kernel, one
// thread, nothing clever. See Benchmarks/compare and Benchmarks/sockets, which run both sides.
//
//   load sink|source|echo PORT            serve TCP until killed
//   load datagrams PORT BATCH             send datagrams back until killed: up to BATCH of them with
//                                         one recvmmsg and one sendmmsg; with a BATCH of 1 each with
//                                         a recvfrom and a sendto
//   load send|recv ADDRESS PORT SECONDS   one connection, bytes one way
//   load rr|crr ADDRESS PORT SECONDS N    N at once: a 64-byte request and its answer, over
//                                         connections that stay (rr) or one made for each (crr)
//   load dgram ADDRESS PORT SECONDS N WINDOW PROCESS
//                                         64-byte datagrams and their echoes, from N sockets that
//                                         have WINDOW of them under way each; also says how many
//                                         that is by a second of the server's, PROCESS's, own time
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
enum { batch_limit = 64, datagram_room = 2048 };
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

// MARK: Datagrams

struct batch {
  struct mmsghdr messages[batch_limit];
  struct iovec vectors[batch_limit];
  struct sockaddr_in addresses[batch_limit];
  char bytes[batch_limit][datagram_room];
};

// Lets a batch take as many datagrams as it may, with or without the addresses they come from.
static void clear_batch(struct batch *batch, unsigned count, bool has_addresses) {
  for (unsigned index = 0; index < count; index++) {
    batch->vectors[index] =
        (struct iovec){.iov_base = batch->bytes[index], .iov_len = datagram_room};
    batch->messages[index].msg_hdr = (struct msghdr){
        .msg_iov = &batch->vectors[index], .msg_iovlen = 1,
        .msg_name = has_addresses ? &batch->addresses[index] : NULL,
        .msg_namelen = has_addresses ? sizeof batch->addresses[index] : 0};
  }
}

static void serve_datagrams(const char *port, unsigned size) {
  int server = socket(AF_INET, SOCK_DGRAM, 0);
  if (server < 0) fail("socket");
  struct sockaddr_in address = address_of("0.0.0.0", port);
  if (bind(server, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  while (size == 1) {
    socklen_t length = sizeof address;
    ssize_t count =
        recvfrom(server, block, datagram_room, 0, (struct sockaddr *)&address, &length);
    if (count < 0) continue;
    sendto(server, block, (size_t)count, 0, (struct sockaddr *)&address, length);
  }
  static struct batch batch;
  clear_batch(&batch, size, true);
  for (;;) {
    int count = recvmmsg(server, batch.messages, size, MSG_WAITFORONE, NULL);
    if (count < 0) continue;
    for (int index = 0; index < count; index++)
      batch.vectors[index].iov_len = batch.messages[index].msg_len;
    for (int sent = 0; sent < count;) {
      int some = sendmmsg(server, batch.messages + sent, (unsigned)(count - sent), 0);
      sent += some > 0 ? some : 1;
    }
    for (int index = 0; index < count; index++) {
      batch.vectors[index].iov_len = datagram_room;
      batch.messages[index].msg_hdr.msg_namelen = sizeof batch.addresses[index];
    }
  }
}

// What a process has used of the processors, user and system, in nanoseconds.
static uint64_t processor_time(pid_t process) {
  clockid_t clock;
  struct timespec time;
  if ((errno = clock_getcpuclockid(process, &clock)) != 0) fail("clock_getcpuclockid");
  if (clock_gettime(clock, &time) < 0) fail("clock_gettime");
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

// Sends `count` datagrams of a batch, whose bytes do not matter, on a connected socket.
static void send_datagrams(int socket, struct batch *batch, unsigned count) {
  for (unsigned index = 0; index < count; index++) batch->vectors[index].iov_len = request_size;
  for (unsigned sent = 0; sent < count;) {
    int some = sendmmsg(socket, batch->messages + sent, count - sent, 0);
    if (some < 0 && errno == EINTR) continue;
    if (some < 0) fail("sendmmsg");
    sent += (unsigned)some;
  }
}

static void exchange_datagrams(
    const struct sockaddr_in *address, double seconds, size_t width, unsigned window,
    pid_t process) {
  static struct batch batch;
  int *sockets = calloc(width, sizeof *sockets);
  if (!sockets) fail("calloc");
  int poller = epoll_create1(0);
  uint64_t begin = nanoseconds() + warm_up, end = begin + (uint64_t)(seconds * 1e9);
  uint64_t echoes = 0, lost = 0, received = 0, sent = 0, started = 0, time_used = 0, now;
  clear_batch(&batch, batch_limit, false);
  for (size_t index = 0; index < width; index++) {
    sockets[index] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (sockets[index] < 0) fail("socket");
    if (connect(sockets[index], (const struct sockaddr *)address, sizeof *address) < 0)
      fail("connect");
    watch(poller, EPOLL_CTL_ADD, sockets[index], EPOLLIN, &sockets[index]);
    send_datagrams(sockets[index], &batch, window);
    sent += window;
  }
  while ((now = nanoseconds()) < end) {
    if (!started && now >= begin) {
      started = now;
      time_used = processor_time(process);
      echoes = lost = 0;
    }
    struct epoll_event events[event_limit];
    int count = epoll_wait(poller, events, event_limit, 1000);
    if (count == 0) {
      // All that is under way is lost: begin anew.
      lost += sent - received;
      received = sent = 0;
      for (size_t index = 0; index < width; index++) {
        send_datagrams(sockets[index], &batch, window);
        sent += window;
      }
    }
    for (int index = 0; index < count; index++) {
      int *socket = events[index].data.ptr;
      for (unsigned one = 0; one < window; one++) batch.vectors[one].iov_len = datagram_room;
      int some = recvmmsg(*socket, batch.messages, window, MSG_DONTWAIT, NULL);
      if (some < 0 && would_block()) continue;
      if (some < 0) fail("recvmmsg");
      for (int one = 0; one < some; one++) {
        if (batch.messages[one].msg_len == request_size) continue;
        errno = EBADMSG;
        fail("echo");
      }
      received += (uint64_t)some;
      echoes += (uint64_t)some;
      send_datagrams(*socket, &batch, (unsigned)some);
      sent += (uint64_t)some;
    }
  }
  uint64_t used = processor_time(process) - time_used;
  if (!started || echoes == 0 || used == 0) {
    errno = ETIMEDOUT;
    fail("not one echo");
  }
  printf(
      "dgram_per_cpu_s=%.0f dgram_per_s=%.0f cpu=%.2f lost=%llu\n",
      (double)echoes * 1e9 / (double)used, (double)echoes * 1e9 / (double)(now - started),
      (double)used / (double)(now - started), (unsigned long long)lost);
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
  if (count == 4 && !strcmp(verb, "datagrams")) {
    int size = atoi(arguments[3]);
    if (size >= 1 && size <= batch_limit) serve_datagrams(arguments[2], (unsigned)size);
  }
  if (count >= 5) {
    struct sockaddr_in address = address_of(arguments[2], arguments[3]);
    double seconds = atof(arguments[4]);
    size_t width = count > 5 ? (size_t)atol(arguments[5]) : 1;
    if (!strcmp(verb, "send")) return send_bytes(&address, seconds), 0;
    if (!strcmp(verb, "recv")) return receive_bytes(&address, seconds), 0;
    if (!strcmp(verb, "rr")) return exchange_requests(&address, seconds, width, false), 0;
    if (!strcmp(verb, "dgram") && count == 8) {
      int window = atoi(arguments[6]);
      if (width >= 1 && window >= 1 && window <= batch_limit)
        return exchange_datagrams(
                   &address, seconds, width, (unsigned)window, (pid_t)atoi(arguments[7])),
               0;
    }
    if (!strcmp(verb, "crr")) return exchange_requests(&address, seconds, width, true), 0;
  }
  fprintf(stderr, "usage: load sink|source|echo PORT\n"
                  "       load datagrams PORT BATCH\n"
                  "       load send|recv ADDRESS PORT SECONDS\n"
                  "       load rr|crr ADDRESS PORT SECONDS CONNECTIONS\n"
                  "       load dgram ADDRESS PORT SECONDS SOCKETS WINDOW PROCESS\n"
                  "       load plain INTERFACE\n");
  return 64;
}
