/// The table of calls that libsockets gives to packetdrill, used as packetdrill uses it.
#ifndef SWIFT_SOCKETS_CASES_PLUG_H
#define SWIFT_SOCKETS_CASES_PLUG_H

/// Loads the library and plays the other side of a connection. A complaint, empty where all is
/// well.
const char *run_plug(const char *library);

#endif
