#define _GNU_SOURCE
#include "include/pair.h"

#include "nodes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static struct sockaddr_in second(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = inet_addr("10.0.0.2");
  return address;
}

static int listener(int port) {
  int socket = sockets_socket_on(nodes[1], AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (sockets_bind(socket, ADDRESS(address)) != 0 || sockets_listen(socket, 64) != 0) return -1;
  return socket;
}

static int dial(int port) {
  int socket = sockets_socket_on(nodes[0], AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = second(port);
  return sockets_connect(socket, ADDRESS(address)) == 0 ? socket : -1;
}

// MARK: Streams

struct sending {
  int socket;
  long count;
};

static void *send_all(void *argument) {
  struct sending *sending = argument;
  uint8_t bytes[10000];
  long place = 0;
  while (place < sending->count) {
    size_t length = sizeof bytes;
    if ((long)length > sending->count - place) length = (size_t)(sending->count - place);
    for (size_t i = 0; i < length; i++) bytes[i] = pattern(place + (long)i);
    if (sockets_send(sending->socket, bytes, length, 0) != (ssize_t)length) break;
    place += (long)length;
  }
  sockets_shutdown(sending->socket, SHUT_WR);
  return NULL;
}

const char *run_stream(long count) {
  PAIR;
  int waiting = listener(7);
  CHECK(waiting >= 0);
  int client = dial(7);
  CHECK(client >= 0);
  int server = sockets_accept(waiting, NULL, NULL);
  CHECK(server >= 0);
  struct sending sending = {client, count};
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, send_all, &sending) == 0);
  uint8_t bytes[30000];
  long place = 0;
  int is_right = 1;
  ssize_t result;
  while ((result = sockets_recv(server, bytes, sizeof bytes, 0)) > 0)
    for (ssize_t i = 0; i < result; i++) is_right &= bytes[i] == pattern(place++);
  pthread_join(thread, NULL);
  CHECK(result == 0);
  CHECK(place == count);
  CHECK(is_right);
  return "";
}

static void *echo(void *argument) {
  int socket = *(int *)argument;
  char bytes[64];
  ssize_t result;
  while ((result = sockets_read(socket, bytes, sizeof bytes)) > 0)
    sockets_write(socket, bytes, (size_t)result);
  sockets_close(socket);
  return NULL;
}

struct talk {
  int rounds, failures;
};

static void *talk(void *argument) {
  struct talk *talk = argument;
  int socket = dial(7);
  char bytes[64] = "what a talk", answer[64];
  talk->failures = socket < 0;
  for (int i = 0; i < talk->rounds && talk->failures == 0; i++) {
    bytes[0] = (char)i;
    if (sockets_write(socket, bytes, 64) != 64 ||
        sockets_recv(socket, answer, 64, MSG_WAITALL) != 64 || memcmp(bytes, answer, 64) != 0)
      talk->failures++;
  }
  sockets_close(socket);
  return NULL;
}

const char *run_threads(int count, int rounds) {
  PAIR;
  enum { most = 64 };
  CHECK(count <= most);
  int waiting = listener(7);
  pthread_t talkers[most], echoes[most];
  struct talk talks[most];
  int servers[most];
  for (int i = 0; i < count; i++) {
    talks[i] = (struct talk){rounds, 0};
    CHECK(pthread_create(&talkers[i], NULL, talk, &talks[i]) == 0);
  }
  for (int i = 0; i < count; i++) {
    servers[i] = sockets_accept(waiting, NULL, NULL);
    CHECK(servers[i] >= 0);
    CHECK(pthread_create(&echoes[i], NULL, echo, &servers[i]) == 0);
  }
  int failures = 0;
  for (int i = 0; i < count; i++) {
    pthread_join(talkers[i], NULL);
    pthread_join(echoes[i], NULL);
    failures += talks[i].failures;
  }
  CHECK(failures == 0);
  return "";
}

const char *run_refused(void) {
  PAIR;
  CHECK(dial(9) == -1 && errno == ECONNREFUSED);
  int socket = sockets_socket_on(nodes[0], AF_INET6, SOCK_STREAM, 0);
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
  CHECK(inet_pton(AF_INET6, "fd00::2", &address.sin6_addr) == 1);
  CHECK(sockets_connect(socket, ADDRESS(address)) == -1 && errno == ECONNREFUSED);
  CHECK(inet_pton(AF_INET6, "2001:db8::1", &address.sin6_addr) == 1);
  CHECK(sockets_connect(socket, ADDRESS(address)) == -1 && errno == ENETUNREACH);
  return "";
}

// MARK: Ending

const char *run_linger(void) {
  PAIR;
  int waiting = listener(7);
  int client = dial(7);
  int server = sockets_accept(waiting, NULL, NULL);
  CHECK(client >= 0 && server >= 0);
  struct linger linger = {1, 20};
  CHECK(sockets_setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
  static char bytes[100000];
  CHECK(sockets_send(client, bytes, sizeof bytes, 0) == sizeof bytes);
  CHECK(sockets_close(client) == 0);
  // All of it has arrived by now, and the end.
  int readable = 0;
  CHECK(sockets_ioctl(server, 0x541B, &readable) == 0);
  CHECK(readable == sizeof bytes);
  CHECK(sockets_recv(server, bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes);
  CHECK(sockets_recv(server, bytes, 1, MSG_DONTWAIT) == 0);
  return "";
}

static void *wait_for_byte(void *argument) {
  char byte;
  // Whoever made this thread may have blocked every signal.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR2);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
  ssize_t result = sockets_recv(*(int *)argument, &byte, 1, 0);
  return (void *)(intptr_t)(result < 0 ? errno : 0);
}

const char *run_close_while_waiting(void) {
  PAIR;
  int waiting = listener(7);
  int client = dial(7);
  CHECK(waiting >= 0 && client >= 0);
  pthread_t thread;
  void *answer;
  CHECK(pthread_create(&thread, NULL, wait_for_byte, &client) == 0);
  CHECK(sockets_close(client) == 0);
  pthread_join(thread, &answer);
  CHECK((intptr_t)answer == EBADF);
  CHECK(sockets_close(client) == -1 && errno == EBADF);
  client = dial(7);
  CHECK(pthread_create(&thread, NULL, wait_for_byte, &client) == 0);
  CHECK(sockets_close_node(nodes[0]) == 0);
  pthread_join(thread, &answer);
  CHECK((intptr_t)answer == EBADF || (intptr_t)answer == ENETDOWN);
  return "";
}

static volatile sig_atomic_t handled;
static void handle(int number) { handled = number; }

static const char *signalled(int flags, int socket, int *result) {
  struct sigaction action = {.sa_handler = handle, .sa_flags = flags}, old;
  sigemptyset(&action.sa_mask);
  CHECK(sigaction(SIGUSR2, &action, &old) == 0);
  pthread_t thread;
  void *answer;
  handled = 0;
  CHECK(pthread_create(&thread, NULL, wait_for_byte, &socket) == 0);
  struct timespec moment = {0, 1000000};
  // Until it was asleep when the signal came, or was told to go on.
  for (int i = 0; i < 5000; i++) {
    pthread_kill(thread, SIGUSR2);
    if (handled && flags & SA_RESTART) break;
    if (pthread_tryjoin_np(thread, &answer) == 0) {
      *result = (int)(intptr_t)answer;
      sigaction(SIGUSR2, &old, NULL);
      return "";
    }
    nanosleep(&moment, NULL);
  }
  CHECK(handled);
  sockets_shutdown(socket, SHUT_RD);
  pthread_join(thread, &answer);
  *result = (int)(intptr_t)answer;
  sigaction(SIGUSR2, &old, NULL);
  return "";
}

const char *run_signals(void) {
  PAIR;
  int waiting = listener(7);
  int client = dial(7);
  CHECK(waiting >= 0 && client >= 0);
  int result = -1;
  const char *complaint = signalled(0, client, &result);
  if (*complaint) return complaint;
  CHECK(result == EINTR);
  complaint = signalled(SA_RESTART, client, &result);
  if (*complaint) return complaint;
  CHECK(result == 0);
  return "";
}

const char *run_deferral(void) {
  PAIR;
  int waiting = listener(7), seconds = 60, quick = 1;
  CHECK(
      sockets_setsockopt(waiting, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds) == 0);
  int client = dial(7);
  CHECK(client >= 0);
  struct pollfd entry = {waiting, POLLIN, 0};
  CHECK(sockets_poll(&entry, 1, 20) == 0);
  CHECK(sockets_send(client, "x", 1, 0) == 1);
  CHECK(sockets_poll(&entry, 1, 60000) == 1);
  int server = sockets_accept(waiting, NULL, NULL);
  char byte = 0;
  CHECK(sockets_recv(server, &byte, 1, 0) == 1 && byte == 'x');
  CHECK(sockets_setsockopt(server, IPPROTO_TCP, TCP_QUICKACK, &quick, sizeof quick) == 0);
  return "";
}

// MARK: Datagrams and names

const char *run_batches(void) {
  PAIR;
  int receiver = sockets_socket_on(nodes[1], AF_INET, SOCK_DGRAM, 0);
  int sender = sockets_socket_on(nodes[0], AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in address = second(5000);
  CHECK(sockets_bind(receiver, ADDRESS(address)) == 0);
  CHECK(sockets_connect(sender, ADDRESS(address)) == 0);
  char bytes[4][8] = {"one", "two", "three", "four"};
  struct iovec vectors[4];
  struct mmsghdr messages[4];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < 4; i++) {
    vectors[i] = (struct iovec){bytes[i], strlen(bytes[i])};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  CHECK(sockets_sendmmsg(sender, messages, 4, 0) == 4);
  CHECK(messages[2].msg_len == 5);
  memset(bytes, 0, sizeof bytes);
  for (int i = 0; i < 4; i++) vectors[i].iov_len = 8;
  CHECK(sockets_recvmmsg(receiver, messages, 4, 0, NULL) == 4);
  CHECK(messages[3].msg_len == 4 && strcmp(bytes[3], "four") == 0);
  CHECK(sockets_recvmmsg(receiver, messages, 4, MSG_DONTWAIT, NULL) == -1 && errno == EAGAIN);
  return "";
}

const char *run_names(void) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *result;
  CHECK(sockets_getaddrinfo("192.0.2.1", "80", &hints, &result) == 0);
  CHECK(result->ai_next == NULL && result->ai_addrlen == sizeof(struct sockaddr_in));
  struct sockaddr_in *ipv4 = (struct sockaddr_in *)result->ai_addr;
  CHECK(ipv4->sin_port == htons(80) && ipv4->sin_addr.s_addr == inet_addr("192.0.2.1"));
  sockets_freeaddrinfo(result);
  CHECK(sockets_getaddrinfo("fe80::1%3", "80", &hints, &result) == 0);
  CHECK(((struct sockaddr_in6 *)result->ai_addr)->sin6_scope_id == 3);
  sockets_freeaddrinfo(result);
  CHECK(sockets_getaddrinfo(NULL, "80", &hints, &result) == 0);
  CHECK(result->ai_family == AF_INET6 && result->ai_next->ai_family == AF_INET);
  sockets_freeaddrinfo(result);
  CHECK(sockets_getaddrinfo("no.such.name.example", "80", &hints, &result) == EAI_NONAME);
  CHECK(sockets_getaddrinfo("192.0.2.1", "65536", &hints, &result) == EAI_SERVICE);
  CHECK(sockets_getaddrinfo(NULL, NULL, &hints, &result) == EAI_NONAME);
  hints.ai_family = AF_INET6;
  CHECK(sockets_getaddrinfo("192.0.2.1", "80", &hints, &result) == EAI_ADDRFAMILY);
  return "";
}
