import Addresses
import Sockets
import Testing

@Suite("A socket error")
struct SocketErrorTests {
  @Test(
    "prints as a sentence",
    arguments: [
      (
        SocketError(.connect, remote: Endpoint("tcp://10.7.0.1:80"), reason: .connectionRefused),
        "connect to tcp://10.7.0.1:80: connection refused"
      ),
      (
        SocketError(.listen, local: Endpoint("tcp://0.0.0.0:80"), reason: .addressInUse),
        "listen on tcp://0.0.0.0:80: address already in use"
      ),
      (
        SocketError(
          .read, local: Endpoint("tcp://10.0.0.1:5"), remote: Endpoint("tcp://10.0.0.2:80"),
          reason: .connectionReset),
        "read from tcp://10.0.0.2:80: connection reset by the peer"
      ),
      (
        SocketError(.receive, local: Endpoint("udp://[::]:53"), reason: .cancelled),
        "receive on udp://[::]:53: cancelled"
      ),
      (
        SocketError(.open, reason: .system(errno: 1, "cannot do it: EPERM; run as root")),
        "open a network: cannot do it: EPERM; run as root"
      ),
    ])
  func sentence(error: SocketError, text: String) {
    #expect(error.description == text)
  }
}
