import Addresses
import Sockets

/// An offer with its socket open.
enum OpenOffer: Sendable {
  case stream(Offer, TCPListener)
  case datagrams(Offer, UDPSocket)

  init(_ offer: Offer, on node: any NetworkNode) async throws(SocketError) {
    self =
      switch offer.endpoint.transport {
      case .udp: .datagrams(offer, try await node.bind(offer.endpoint))
      case .tcp, .ip:
        .stream(offer, try await node.listen(on: offer.endpoint, backlog: 4_096))
      }
  }

  var local: Endpoint {
    switch self {
    case .stream(_, let listener): listener.local
    case .datagrams(_, let socket): socket.local
    }
  }

  /// Serves until it is closed or the task is cancelled.
  ///
  /// - Parameter executor: the node's.
  func serve(on executor: any TaskExecutor) async throws(SocketError) {
    switch self {
    case .stream(let offer, let listener): try await offer.serve(listener, on: executor)
    case .datagrams(let offer, let socket): try await offer.serve(socket)
    }
  }

  func close() {
    switch self {
    case .stream(_, let listener): listener.close()
    case .datagrams(_, let socket): socket.close()
    }
  }
}
