#define _GNU_SOURCE
#include "include/plug.h"

#include "check.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/// The table as packetdrill has it, by the places of what is used here: 0 userdata, 1 free,
/// 2 socket, 3 bind, 4 listen, 5 accept, 7 read, 12 write, 19 close, 24 netdev_send, 25 netdev_receive,
/// 26 usleep, 27 gettimeofday.
enum { places = 33 };

static uint16_t sum(const void *bytes, size_t count, uint32_t start) {
  const uint8_t *octets = bytes;
  uint32_t total = start;
  for (size_t i = 0; i + 1 < count; i += 2) total += (uint32_t)(octets[i] << 8 | octets[i + 1]);
  if (count & 1) total += (uint32_t)octets[count - 1] << 8;
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  return (uint16_t)~total;
}

struct segment {
  struct iphdr ip;
  struct tcphdr tcp;
  char text[64];
};

/// A segment from 192.0.2.1:4000 to 192.168.0.1:8080.
static size_t build(
    struct segment *segment, uint32_t seq, uint32_t ack, int syn, const char *text) {
  size_t length = strlen(text);
  memset(segment, 0, sizeof *segment);
  size_t whole = sizeof segment->ip + sizeof segment->tcp + length;
  segment->ip.version = 4;
  segment->ip.ihl = 5;
  segment->ip.ttl = 64;
  segment->ip.protocol = IPPROTO_TCP;
  segment->ip.tot_len = htons((uint16_t)whole);
  segment->ip.saddr = inet_addr("192.0.2.1");
  segment->ip.daddr = inet_addr("192.168.0.1");
  segment->ip.check = htons(sum(&segment->ip, sizeof segment->ip, 0));
  segment->tcp.source = htons(4000);
  segment->tcp.dest = htons(8080);
  segment->tcp.seq = htonl(seq);
  segment->tcp.ack_seq = htonl(ack);
  segment->tcp.doff = 5;
  segment->tcp.syn = syn != 0;
  segment->tcp.ack = !syn;
  segment->tcp.window = htons(1000);
  memcpy(segment->text, text, length);
  uint32_t pseudo = IPPROTO_TCP + (uint32_t)(sizeof segment->tcp + length);
  pseudo += (uint16_t)~sum(&segment->ip.saddr, 8, 0);
  segment->tcp.check = htons(sum(&segment->tcp, sizeof segment->tcp + length, pseudo));
  return whole;
}

const char *run_plug(const char *library) {
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | RTLD_DEEPBIND);
  CHECK(handle != NULL);
  void (*init)(const char *, void *) =
      (void (*)(const char *, void *))dlsym(handle, "packetdrill_interface_init");
  CHECK(init != NULL);
  void *table[places] = {0};
  init("192.168.0.1/16", table);
  for (int i = 1; i < places; i++) CHECK(table[i] != NULL);
  int (*make)(void *, int, int, int) = (int (*)(void *, int, int, int))table[2];
  int (*bind_to)(void *, int, const struct sockaddr *, socklen_t) =
      (int (*)(void *, int, const struct sockaddr *, socklen_t))table[3];
  int (*listen_at)(void *, int, int) = (int (*)(void *, int, int))table[4];
  int (*accept_at)(void *, int, struct sockaddr *, socklen_t *) =
      (int (*)(void *, int, struct sockaddr *, socklen_t *))table[5];
  ssize_t (*read_from)(void *, int, void *, size_t) =
      (ssize_t(*)(void *, int, void *, size_t))table[7];
  ssize_t (*write_to)(void *, int, const void *, size_t) =
      (ssize_t(*)(void *, int, const void *, size_t))table[12];
  int (*put)(void *, const void *, size_t) = (int (*)(void *, const void *, size_t))table[24];
  int (*take)(void *, void *, size_t *, long long *) =
      (int (*)(void *, void *, size_t *, long long *))table[25];
  int (*pass)(void *, unsigned int) = (int (*)(void *, unsigned int))table[26];
  int (*tell)(void *, struct timeval *, void *) =
      (int (*)(void *, struct timeval *, void *))table[27];
  void (*end)(void *) = (void (*)(void *))table[1];

  int listener = make(NULL, AF_INET, SOCK_STREAM, IPPROTO_TCP);
  CHECK(listener >= 512);
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(8080)};
  CHECK(bind_to(NULL, listener, (struct sockaddr *)&local, sizeof local) == 0);
  CHECK(listen_at(NULL, listener, 1) == 0);

  struct segment sent;
  union {
    struct segment segment;
    uint8_t bytes[65536];
  } got;
  size_t count = sizeof got;
  long long left = 0;
  CHECK(put(NULL, &sent, build(&sent, 0, 0, 1, "")) == 0);
  CHECK(take(NULL, &got, &count, &left) == 0 && count >= 40);
  CHECK(got.segment.tcp.syn && got.segment.tcp.ack);
  CHECK(ntohl(got.segment.tcp.ack_seq) == 1);
  uint32_t ours = ntohl(got.segment.tcp.seq) + 1;

  // Time passes as it is told, exactly.
  struct timeval before, after;
  CHECK(tell(NULL, &before, NULL) == 0);
  CHECK(pass(NULL, 50000) == 0);
  CHECK(tell(NULL, &after, NULL) == 0);
  CHECK((after.tv_sec - before.tv_sec) * 1000000 + after.tv_usec - before.tv_usec == 50001);

  CHECK(put(NULL, &sent, build(&sent, 1, ours, 0, "")) == 0);
  CHECK(put(NULL, &sent, build(&sent, 1, ours, 0, "question")) == 0);
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  int connection = accept_at(NULL, listener, (struct sockaddr *)&peer, &length);
  CHECK(connection >= 0 && peer.sin_port == htons(4000));
  char text[64] = "";
  CHECK(read_from(NULL, connection, text, sizeof text) == 8 && strcmp(text, "question") == 0);
  CHECK(write_to(NULL, connection, "answer", 6) == 6);
  int answered = 0;
  for (int i = 0; i < 3 && !answered; i++) {
    count = sizeof got;
    CHECK(take(NULL, &got, &count, &left) == 0 && count >= 40);
    size_t headers = (size_t)got.segment.ip.ihl * 4 + (size_t)got.segment.tcp.doff * 4;
    answered = count == headers + 6 && memcmp(got.bytes + headers, "answer", 6) == 0;
  }
  CHECK(answered);
  // Unanswered it comes again, when its time has come.
  long long first = left;
  count = sizeof got;
  CHECK(take(NULL, &got, &count, &left) == 0 && count >= 46);
  CHECK(left - first >= 200000);
  end(NULL);
  return "";
}
