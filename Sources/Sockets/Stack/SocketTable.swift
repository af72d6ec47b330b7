/// A node's sockets, counted: what is left when everything should be gone.
public struct SocketTable: Hashable, Sendable {
  /// TCP connections by state, whether somebody holds them or not.
  public let connections: [TCPConnection.State: Int]
  /// TCP listeners.
  public let listeners: Int
  /// UDP sockets.
  public let datagramSockets: Int
  /// Echo sockets.
  public let echoSockets: Int

  package init(
    connections: [TCPConnection.State: Int], listeners: Int, datagramSockets: Int,
    echoSockets: Int
  ) {
    self.connections = connections
    self.listeners = listeners
    self.datagramSockets = datagramSockets
    self.echoSockets = echoSockets
  }

  /// TCP connections in any state.
  public var connectionCount: Int { connections.values.reduce(0, +) }
}

extension SocketTable: CustomStringConvertible {
  /// `sockets: 2 connections (1 ESTABLISHED, 1 TIME-WAIT), 1 listener, 0 udp, 0 echo`.
  public var description: String {
    let states = TCPConnection.State.allCases.compactMap { state in
      connections[state].map { "\($0) \(state.rawValue)" }
    }
    let detail = states.isEmpty ? "" : " (\(states.joined(separator: ", ")))"
    return "sockets: \(connectionCount) connections\(detail), \(listeners) listeners, "
      + "\(datagramSockets) udp, \(echoSockets) echo"
  }
}
