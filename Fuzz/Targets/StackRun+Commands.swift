import Addresses
import Packets
import ProtocolStack

/// What users of the stack ask for.
extension StackRun {
  mutating func command() {
    switch script.byte() % 24 {
    case 0: connect()
    case 1: listen()
    case 2...3: acceptAll()
    case 4...6: write()
    case 7...9: read()
    case 10: if let socket = someSocket() { try? stack.shutdownSend(socket, at: now) }
    case 11: if let socket = someSocket() { stack.close(socket, at: now) }
    case 12: if let socket = someSocket() { stack.abort(socket, at: now) }
    case 13: setConnectionOptions()
    case 14: bind()
    case 15: if let socket = someSocket() { try? stack.connectUDP(socket, to: place(), at: now) }
    case 16: sendDatagram()
    case 17: receiveDatagram()
    case 18: keep(try? stack.openEcho(nil, version: script.byte() & 1 == 0 ? .v4 : .v6, at: now))
    case 19: sendEcho()
    case 20: receiveEcho()
    case 21: changeAddress()
    case 22: stack.setMTU(Int(script.word()), on: interface)
    default: changeRoute()
    }
  }

  /// An address of the peer's, of our own or of a stranger's.
  private mutating func address() -> IPAddress {
    switch script.byte() % 10 {
    case 0: .v4(Self.peer4)
    case 1: .v6(Self.peer6)
    case 2: .v4(Self.own4)
    case 3: .v6(Self.own6)
    case 4: .v4(.loopback)
    case 5: .v6(.loopback)
    case 6: .v4(IPv4Address(10, 0, 0, 255))
    case 7: .v4(IPv4Address(10, 0, 0, script.byte()))
    case 8: .v6(IPv6Address(high: 0xFF02 << 48, low: 1))
    default: .v4(IPv4Address(rawValue: script.long()))
    }
  }

  private mutating func place() -> SocketAddress {
    let address = address()
    let ports: [UInt16] = [7, 53, 80, 8]
    let choice = script.byte()
    let port = choice < 128 ? ports[Int(choice % 4)] : UInt16(choice) &* 7
    return SocketAddress(address, port: PortNumber(rawValue: port), zone: choice == 255 ? 1 : 0)
  }

  private mutating func connect() {
    keep(try? stack.connectTCP(to: place(), options: options(), at: now))
  }

  private mutating func listen() {
    let place = place()
    let backlog = Int(script.byte() % 8)
    keep(try? stack.listenTCP(on: place, backlog: backlog, options: options(), at: now))
  }

  private mutating func acceptAll() {
    for socket in sockets where socket.kind == .tcpListener {
      while let accepted = try? stack.acceptTCP(socket, at: now) { keep(accepted) }
    }
  }

  private mutating func options() -> TCPSocketOptions {
    var options = TCPSocketOptions()
    let choice = script.byte()
    options.noDelay = choice & 1 != 0
    if choice & 2 != 0 { options.keepAliveIdle = .seconds(Int64(script.byte())) }
    if choice & 4 != 0 { options.keepAliveInterval = .milliseconds(Int64(script.word())) }
    if choice & 8 != 0 { options.userTimeout = .milliseconds(Int64(script.word())) }
    if choice & 16 != 0 { options.sendBufferLimit = Int(script.word()) }
    if choice & 32 != 0 { options.receiveBufferLimit = Int(script.word()) }
    if choice & 64 != 0 { options.maximumSegmentSize = Int(script.word()) }
    if choice & 128 != 0 { options.congestionControl = .newReno }
    options.keepAliveProbes = Int(choice % 5)
    return options
  }

  private mutating func setConnectionOptions() {
    guard let socket = someSocket() else { return }
    try? stack.setOptions(socket, options(), at: now)
  }

  private mutating func write() {
    guard let socket = someSocket() else { return }
    let first = toWrite[socket] ?? 0
    let bytes = (0..<script.length()).map { first &+ UInt8(truncatingIfNeeded: $0) }
    guard let taken = try? stack.send(socket, bytes.span, at: now) else { return }
    precondition(taken >= 0 && taken <= bytes.count)
    bytesWritten += taken
    toWrite[socket] = first &+ UInt8(truncatingIfNeeded: taken)
  }

  private mutating func read() {
    guard let socket = someSocket() else { return }
    var buffer = [UInt8](repeating: 0, count: script.length())
    var target = buffer.mutableSpan
    guard case .bytes(let count) = try? stack.read(socket, into: &target, at: now) else { return }
    precondition(count >= 0 && count <= buffer.count)
    bytesRead += count
    guard !isForged, count > 0 else { return }
    let first = toRead[socket] ?? buffer[0]
    for index in 0..<count {
      precondition(buffer[index] == first &+ UInt8(truncatingIfNeeded: index))
    }
    toRead[socket] = first &+ UInt8(truncatingIfNeeded: count)
  }

  private mutating func bind() {
    let place = place()
    let isOnly = script.byte() & 1 != 0
    guard let socket = try? stack.bindUDP(place, ipv6Only: isOnly, at: now) else { return }
    keep(socket)
    var options = UDPSocketOptions()
    options.receiveBufferSize = Int(script.word())
    options.allowsBroadcast = isOnly
    try? stack.setOptions(socket, options, at: now)
  }

  private mutating func sendDatagram() {
    guard let socket = someSocket() else { return }
    let place = script.byte() & 1 == 0 ? nil : place()
    let bytes = [UInt8](repeating: 0x55, count: script.length())
    _ = try? stack.sendDatagram(socket, bytes.span, to: place, at: now)
  }

  private mutating func receiveDatagram() {
    guard let socket = someSocket() else { return }
    var buffer = [UInt8](repeating: 0, count: script.length())
    var target = buffer.mutableSpan
    guard let datagram = try? stack.receiveDatagram(socket, into: &target, at: now) else { return }
    precondition(datagram.count >= 0 && datagram.count <= buffer.count)
  }

  private mutating func sendEcho() {
    guard let socket = someSocket() else { return }
    let address = address()
    let bytes = [UInt8](repeating: 0x66, count: script.length())
    let sequence = script.word()
    try? stack.sendEcho(socket, to: address, sequence: sequence, payload: bytes.span, at: now)
  }

  private mutating func receiveEcho() {
    guard let socket = someSocket() else { return }
    var buffer = [UInt8](repeating: 0, count: script.length())
    var target = buffer.mutableSpan
    guard let reply = try? stack.receiveEcho(socket, into: &target, at: now) else { return }
    precondition(reply.count >= 0 && reply.count <= buffer.count && reply.length >= reply.count)
  }

  private mutating func changeAddress() {
    let address = address()
    if script.byte() & 1 == 0 {
      try? stack.removeAddress(address, on: interface, at: now)
    } else if let prefix = Prefix(address, length: script.byte() % 129) {
      try? stack.addAddress(prefix, on: interface, at: now)
    }
  }

  private mutating func changeRoute() {
    guard let prefix = Prefix(address(), length: script.byte() % 129) else { return }
    if script.byte() & 1 == 0 {
      let gateway = script.byte() & 1 == 0 ? nil : address()
      try? stack.addRoute(prefix, via: gateway, on: interface)
    } else {
      stack.removeRoute(prefix, on: interface)
    }
  }
}
