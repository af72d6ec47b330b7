/// libsockets and Linux talk over a TUN device, in a network namespace with CAP_NET_ADMIN.
#ifndef SWIFT_SOCKETS_CASES_TUNNEL_H
#define SWIFT_SOCKETS_CASES_TUNNEL_H

/// A complaint, empty where all is well.
const char *run_tunnel(void);

#endif
