// Two hosts inside one process, and the calls every C programmer knows: one host echoes, the other
// asks. With an argument such as tun:sock0=10.7.0.2/24 (as root) it serves Linux on port 7 instead.
//
//   cc -ISources/CBerkeley/include classic-echo.c -L.build/debug -lsockets -lpthread
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sockets.h"

static void check(int is_well, const char *what) {
  if (is_well) return;
  perror(what);
  exit(1);
}

static int listener_on(int node) {
  int listener = sockets_socket_on(node, AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(7)};
  check(sockets_bind(listener, (struct sockaddr *)&local, sizeof local) == 0, "bind");
  check(sockets_listen(listener, 16) == 0, "listen");
  return listener;
}

/// Echoes connections one after another.
static void *serve(void *argument) {
  int listener = *(int *)argument;
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  int connection;
  while ((connection = sockets_accept(listener, (struct sockaddr *)&peer, &length)) >= 0) {
    printf("serving %s\n", inet_ntoa(peer.sin_addr));
    char bytes[4096];
    ssize_t count;
    while ((count = sockets_read(connection, bytes, sizeof bytes)) > 0)
      sockets_write(connection, bytes, (size_t)count);
    sockets_close(connection);
  }
  return NULL;
}

int main(int count, char **arguments) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (count > 1) {
    int node = sockets_open(arguments[1]);
    check(node >= 0, arguments[1]);
    int listener = listener_on(node);
    serve(&listener);
    return 0;
  }
  int nodes[2];
  check(sockets_open_pair(nodes) == 0, "open");
  int listener = listener_on(nodes[1]);
  pthread_t server;
  check(pthread_create(&server, NULL, serve, &listener) == 0, "thread");

  int client = sockets_socket_on(nodes[0], AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in remote = {.sin_family = AF_INET, .sin_port = htons(7)};
  inet_pton(AF_INET, "10.0.0.2", &remote.sin_addr);
  check(sockets_connect(client, (struct sockaddr *)&remote, sizeof remote) == 0, "connect");
  char answer[64] = "";
  sockets_send(client, "hello over our own TCP", 22, 0);
  sockets_recv(client, answer, 22, MSG_WAITALL);
  printf("%s\n", answer);
  sockets_close(client);
  sockets_shutdown(listener, SHUT_RDWR);
  pthread_join(server, NULL);
  sockets_close_node(nodes[0]);
  sockets_close_node(nodes[1]);
  return strcmp(answer, "hello over our own TCP") != 0;
}
