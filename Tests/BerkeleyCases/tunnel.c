#define _GNU_SOURCE
#include "include/tunnel.h"

#include "check.h"
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { megabytes = 8 << 20 };

static struct sockaddr_in address(const char *text, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = inet_addr(text);
  return address;
}

static void *linux_writes(void *argument) {
  int socket = *(int *)argument;
  uint8_t bytes[20000];
  for (long place = 0; place < megabytes;) {
    size_t length = sizeof bytes;
    if ((long)length > megabytes - place) length = (size_t)(megabytes - place);
    for (size_t i = 0; i < length; i++) bytes[i] = pattern(place + (long)i);
    ssize_t sent = send(socket, bytes, length, MSG_NOSIGNAL);
    if (sent <= 0) break;
    place += sent;
  }
  shutdown(socket, SHUT_WR);
  return NULL;
}

static const char *linux_dials(int node) {
  int listener = sockets_socket_on(node, AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in ours = address("10.77.0.2", 7);
  CHECK(sockets_bind(listener, ADDRESS(ours)) == 0);
  CHECK(sockets_listen(listener, 4) == 0);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(connect(client, ADDRESS(ours)) == 0);
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  int server = sockets_accept(listener, (struct sockaddr *)&peer, &length);
  CHECK(server >= 0 && peer.sin_addr.s_addr == inet_addr("10.77.0.1"));
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, linux_writes, &client) == 0);
  uint8_t bytes[30000];
  long place = 0;
  int is_right = 1;
  ssize_t count;
  while ((count = sockets_recv(server, bytes, sizeof bytes, 0)) > 0)
    for (ssize_t i = 0; i < count; i++) is_right &= bytes[i] == pattern(place++);
  pthread_join(thread, NULL);
  CHECK(count == 0 && place == megabytes && is_right);
  CHECK(sockets_send(server, "all of it", 9, 0) == 9);
  CHECK(recv(client, bytes, sizeof bytes, 0) == 9);
  sockets_close(server);
  close(client);
  return "";
}

static const char *linux_answers(int node) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in theirs = address("10.77.0.1", 0);
  CHECK(bind(listener, ADDRESS(theirs)) == 0 && listen(listener, 4) == 0);
  socklen_t length = sizeof theirs;
  CHECK(getsockname(listener, (struct sockaddr *)&theirs, &length) == 0);
  int client = sockets_socket_on(node, AF_INET, SOCK_STREAM, 0);
  CHECK(sockets_connect(client, ADDRESS(theirs)) == 0);
  int server = accept(listener, NULL, NULL);
  CHECK(server >= 0);
  char bytes[16] = "";
  CHECK(sockets_send(client, "ping", 4, 0) == 4);
  CHECK(recv(server, bytes, 4, MSG_WAITALL) == 4 && strcmp(bytes, "ping") == 0);
  struct linger linger = {1, 0};
  CHECK(setsockopt(server, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
  close(server);
  CHECK(sockets_recv(client, bytes, 1, 0) == -1 && errno == ECONNRESET);
  close(listener);
  sockets_close(client);
  client = sockets_socket_on(node, AF_INET, SOCK_STREAM, 0);
  CHECK(sockets_connect(client, ADDRESS(theirs)) == -1 && errno == ECONNREFUSED);
  return "";
}

const char *run_tunnel(void) {
  int node = sockets_open("tun:sockb0=10.77.0.2/24");
  CHECK(node >= 0);
  const char *complaint = linux_dials(node);
  if (*complaint == 0) complaint = linux_answers(node);
  sockets_close_node(node);
  return complaint;
}
