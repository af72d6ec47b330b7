import Addresses
import Packets
import ProtocolStack

/// Two hosts on one lossless, immediate link, with a connection between them: the smallest program
/// in which every instruction of the packet path runs and nothing else does.
///
/// A packet that one stack gives out is taken in by the other and recycled at once, so the same
/// memory goes round. Time passes only in ``turn()``, the same amount for each: two runs of the same
/// length execute the same instructions.
struct Pair: ~Copyable {
  enum Failure: Error { case stalled }

  private var client: ProtocolStack
  private var server: ProtocolStack
  private let clientLink: InterfaceIndex
  private let serverLink: InterfaceIndex
  private let clientSocket: SocketHandle
  private var serverSocket: SocketHandle
  private var now = Instant.zero
  /// Packets that carried payload, and all packets, in both directions.
  private(set) var segments = 0
  private(set) var packets = 0

  private static let tick = Interval.microseconds(10)

  /// Opens a connection over a link with these abilities.
  static func connected(over abilities: LinkAbilities, isIPv4: Bool = true) throws -> Pair {
    let port = PortNumber(rawValue: 7)
    let clientAddress = address(1, isIPv4: isIPv4)
    let serverAddress = address(2, isIPv4: isIPv4)
    var client = ProtocolStack(secrets: Secrets(1, 2))
    var server = ProtocolStack(secrets: Secrets(3, 4))
    let clientLink = try client.addInterface("a", abilities, at: .zero)
    let serverLink = try server.addInterface("b", abilities, at: .zero)
    try client.addAddress(prefix(clientAddress), on: clientLink, at: .zero)
    try server.addAddress(prefix(serverAddress), on: serverLink, at: .zero)
    var options = TCPSocketOptions()
    options.noDelay = true
    let listener = try server.listenTCP(
      on: SocketAddress(serverAddress, port: port), options: options, at: .zero)
    let socket = try client.connectTCP(
      to: SocketAddress(serverAddress, port: port), options: options, at: .zero)
    var pair = Pair(
      client: client, server: server, clientLink: clientLink, serverLink: serverLink,
      clientSocket: socket, serverSocket: socket)
    try pair.accept(from: listener)
    return pair
  }

  private init(
    client: consuming ProtocolStack, server: consuming ProtocolStack, clientLink: InterfaceIndex,
    serverLink: InterfaceIndex, clientSocket: SocketHandle, serverSocket: SocketHandle
  ) {
    self.client = client
    self.server = server
    self.clientLink = clientLink
    self.serverLink = serverLink
    self.clientSocket = clientSocket
    self.serverSocket = serverSocket
  }

  private mutating func accept(from listener: SocketHandle) throws {
    for _ in 0..<8 {
      turn()
      if let accepted = try server.acceptTCP(listener, at: now) {
        serverSocket = accepted
        return turn()
      }
    }
    throw Failure.stalled
  }

  private static func address(_ host: UInt8, isIPv4: Bool) -> IPAddress {
    isIPv4
      ? .v4(IPv4Address(10, 0, 0, host))
      : .v6(IPv6Address(high: 0xFD07 << 48, low: UInt64(host)))
  }

  private static func prefix(_ address: IPAddress) throws -> Prefix {
    guard let prefix = Prefix(address, length: address.isIPv4 ? 24 : 64) else {
      throw Failure.stalled
    }
    return prefix
  }

  /// Lets a little time pass and carries everything that is due across the link.
  mutating func turn() {
    now = now + Self.tick
    if let deadline = client.nextDeadline, deadline <= now { client.advance(to: now) }
    if let deadline = server.nextDeadline, deadline <= now { server.advance(to: now) }
    while carryToServer() {}
    while client.nextEvent() != nil {}
    while server.nextEvent() != nil {}
  }

  /// Two packets at most, so that every second segment is acknowledged by itself.
  ///
  /// - Returns: whether there was one.
  private mutating func carryToServer() -> Bool {
    guard var packet = client.nextPacket(for: clientLink, at: now) else { return carryToClient() }
    count(packet)
    server.receive(&packet, on: serverLink, at: now)
    client.recycle(packet)
    if var second = client.nextPacket(for: clientLink, at: now) {
      count(second)
      server.receive(&second, on: serverLink, at: now)
      client.recycle(second)
    }
    _ = carryToClient()
    return true
  }

  private mutating func carryToClient() -> Bool {
    var wasThere = false
    while var packet = server.nextPacket(for: serverLink, at: now) {
      count(packet)
      client.receive(&packet, on: clientLink, at: now)
      server.recycle(packet)
      wasThere = true
    }
    return wasThere
  }

  private mutating func count(_ packet: borrowing Packet) {
    packets += 1
    // Headers alone have at most 20 bytes of IP and 60 of TCP, and no test sends so little.
    if packet.count > 80 { segments += 1 }
  }

  /// Sends `count` bytes from the client to the server, written and read in pieces as long as
  /// `buffer`, as fast as both take them.
  mutating func transfer(_ count: Int, _ buffer: inout [UInt8]) throws {
    var sent = 0
    var arrived = 0
    var idleTurns = 0
    while arrived < count {
      let before = arrived
      while sent < count {
        let taken = try client.send(clientSocket, buffer.span, at: now)
        sent += taken
        if taken < buffer.count { break }
      }
      turn()
      var target = buffer.mutableSpan
      while case .bytes(let length) = try server.read(serverSocket, into: &target, at: now) {
        arrived += length
      }
      idleTurns = arrived == before ? idleTurns + 1 : 0
      guard idleTurns < 100_000 else { throw Failure.stalled }
    }
  }

  /// `count` requests of as many bytes as `buffer` has from the client, each answered by the server.
  mutating func exchange(_ count: Int, _ buffer: inout [UInt8]) throws {
    for _ in 0..<count {
      _ = try client.send(clientSocket, buffer.span, at: now)
      turn()
      var request = buffer.mutableSpan
      guard case .bytes(buffer.count) = try server.read(serverSocket, into: &request, at: now)
      else { throw Failure.stalled }
      _ = try server.send(serverSocket, buffer.span, at: now)
      turn()
      var response = buffer.mutableSpan
      guard case .bytes(buffer.count) = try client.read(clientSocket, into: &response, at: now)
      else { throw Failure.stalled }
    }
  }
}
