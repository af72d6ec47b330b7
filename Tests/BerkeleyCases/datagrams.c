#include "calls.h"

#define ALL (POLLIN | POLLOUT | POLLRDHUP | POLLPRI)

static void fresh(struct run *run) {
  int s = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  char bytes[8];
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  await(run, "fresh", s, ALL);
  CALL(send, s, bytes, 1, 0);
  CALL(recv, s, bytes, 1, MSG_DONTWAIT);
  CALL(sendto, s, bytes, 1, 0, ADDRESS(address));
  CALL(sendto, s, bytes, 1, 0, (struct sockaddr *)&address, 4);
  address.sin_family = AF_INET6;
  CALL(sendto, s, bytes, 1, 0, ADDRESS(address));
  CALL(listen, s, 1);
  CALL(accept, s, NULL, NULL);
  CALL(shutdown, s, SHUT_RD);
  CALL(getpeername, s, (struct sockaddr *)&address, &length);
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  // From an address of the loopback's, so that a machine without any network knows the way.
  int b = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in local = loopback(0);
  CALL(bind, b, ADDRESS(local));
  CALL(sendto, b, bytes, 1, 0, ADDRESS(address));
  CALL(close, b);
  CALL(recv, s, bytes, 1, MSG_OOB | MSG_DONTWAIT);
  CALL(send, s, bytes, 1, MSG_OOB);
  CALL(close, s);
}

static void exchange(struct run *run) {
  int a = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  int b = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in local = loopback(0);
  char bytes[16] = {0};
  static char large[70000];
  CALL(bind, a, ADDRESS(local));
  struct sockaddr_in there = loopback(port_of(run, a));
  CALL(sendto, b, "first", 5, 0, ADDRESS(there));
  CALL(sendto, b, "", 0, 0, ADDRESS(there));
  CALL(sendto, b, "third one", 9, 0, ADDRESS(there));
  await(run, "first", a, ALL);
  int value = -1;
  CALL(ioctl, a, FIONREAD, &value);
  note(run, "%d bytes\n", value);
  CALL(recv, a, bytes, 16, MSG_PEEK);
  CALL(recv, a, bytes, 2, MSG_PEEK | MSG_TRUNC);
  struct sockaddr_in from = {0};
  socklen_t length = sizeof from;
  CALL(recvfrom, a, bytes, 16, 0, (struct sockaddr *)&from, &length);
  note(run, "from %x length %d same port %d\n", from.sin_addr.s_addr, (int)length,
       ntohs(from.sin_port) == port_of(run, b));
  CALL(recv, a, bytes, 16, 0);
  struct iovec vector[2] = {{bytes, 2}, {bytes + 2, 3}};
  struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = vector,
                           .msg_iovlen = 2};
  CALL(recvmsg, a, &message, 0);
  note(run, "flags %#x name %d: %.5s\n", message.msg_flags, message.msg_namelen, bytes);
  CALL(recv, a, bytes, 16, MSG_DONTWAIT);
  CALL(sendto, b, large, 65508, 0, ADDRESS(there));
  CALL(sendto, b, large, 65507, 0, ADDRESS(there));
  await(run, "large", a, POLLIN);
  CALL(recv, a, large, sizeof large, 0);
  struct iovec pieces[2] = {{"two ", 4}, {"pieces", 6}};
  struct msghdr gathered = {.msg_name = &there, .msg_namelen = sizeof there, .msg_iov = pieces,
                            .msg_iovlen = 2};
  CALL(sendmsg, b, &gathered, 0);
  await(run, "pieces", a, POLLIN);
  CALL(recv, a, bytes, 16, 0);
  note(run, "%.10s\n", bytes);
  int on = 1;
  CALL(setsockopt, a, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  CALL(sendto, b, "info", 4, 0, ADDRESS(there));
  char control[256];
  message = (struct msghdr){.msg_iov = vector, .msg_iovlen = 2, .msg_control = control,
                            .msg_controllen = sizeof control};
  CALL(recvmsg, a, &message, 0);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL) {
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(header), sizeof info);
    note(run, "level %d type %d length %d to %x\n", header->cmsg_level, header->cmsg_type,
         (int)header->cmsg_len, info.ipi_addr.s_addr);
  }
  note(run, "control %d flags %#x\n", (int)message.msg_controllen, message.msg_flags);
  CALL(close, a);
  CALL(close, b);
}

static void connected_datagrams(struct run *run) {
  int a = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  int b = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  int other = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in local = loopback(0);
  char bytes[16];
  CALL(bind, a, ADDRESS(local));
  struct sockaddr_in there = loopback(port_of(run, a));
  CALL(connect, b, ADDRESS(there));
  CALL(connect, b, ADDRESS(there));
  struct sockaddr_in name = {0};
  socklen_t length = sizeof name;
  CALL(getpeername, b, (struct sockaddr *)&name, &length);
  note(run, "peer %x right port %d\n", name.sin_addr.s_addr, name.sin_port == there.sin_port);
  CALL(getsockname, b, (struct sockaddr *)&name, &length);
  note(run, "local %x\n", name.sin_addr.s_addr);
  CALL(send, b, "hello", 5, 0);
  CALL(recv, a, bytes, 16, 0);
  struct sockaddr_in back = name;
  CALL(sendto, other, "stranger", 8, 0, ADDRESS(back));
  CALL(recv, b, bytes, 16, MSG_DONTWAIT);
  CALL(close, a);
  CALL(send, b, "nobody", 6, 0);
  await(run, "refused", b, ALL);
  CALL(recv, b, bytes, 16, MSG_DONTWAIT);
  CALL(recv, b, bytes, 16, MSG_DONTWAIT);
  CALL(send, b, "nobody", 6, 0);
  int error = 0;
  length = sizeof error;
  CALL(getsockopt, b, SOL_SOCKET, SO_ERROR, &error, &length);
  note(run, "error %d\n", error);
  CALL(send, b, "nobody", 6, 0);
  CALL(send, b, "nobody", 6, 0);
  CALL(shutdown, b, SHUT_WR);
  CALL(shutdown, b, SHUT_RD);
  struct sockaddr_in nobody = {.sin_family = AF_UNSPEC};
  CALL(connect, b, ADDRESS(nobody));
  CALL(getpeername, b, (struct sockaddr *)&name, &length);
  CALL(close, b);
  CALL(close, other);
}

static void ports(struct run *run) {
  int a = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  int b = OPEN(socket, AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in local = loopback(0);
  CALL(bind, a, ADDRESS(local));
  local = loopback(port_of(run, a));
  CALL(bind, b, ADDRESS(local));
  local.sin_addr.s_addr = 0;
  CALL(bind, b, ADDRESS(local));
  local.sin_addr.s_addr = htonl(0xC0000201);
  CALL(bind, b, ADDRESS(local));
  CALL(close, a);
  local = loopback(ntohs(local.sin_port));
  CALL(bind, b, ADDRESS(local));
  CALL(bind, b, ADDRESS(local));
  CALL(close, b);
}

const struct named_case datagram_cases[] = {
    {"a fresh datagram socket", fresh},
    {"datagrams there and back", exchange},
    {"connected datagrams", connected_datagrams},
    {"ports of datagrams", ports},
    {NULL, NULL}};
