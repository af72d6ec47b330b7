// swift-format-ignore-file: AlwaysUseLowerCamelCase
import Addresses
@_exported public import CBerkeley
import ProtocolStack
import SystemPackage

// The Swift end of the seam that berkeley.h describes: descriptors to sockets, errors to numbers.

/// Runs what may fail and answers a result of zero and more, or an errno below zero.
func answering(_ body: () throws(Errno) -> Int) -> Int {
  do throws(Errno) {
    return try body()
  } catch {
    return -Int(error.rawValue)
  }
}

func answer(_ body: () throws(Errno) -> Int) -> CInt { CInt(clamping: answering(body)) }

extension Descriptors {
  /// Does something to the socket of a descriptor.
  func turn(
    _ descriptor: CInt, _ body: (inout NodeState, Int) throws(Errno) -> Int
  ) throws(Errno) -> Int {
    let reference = try socket(descriptor)
    return try reference.node.turn { (state) throws(Errno) -> Int in
      try body(&state, state.check(reference))
    }
  }
}

var descriptors: Descriptors { .shared }

extension berkeley_address {
  init(_ address: SocketAddress) {
    self.init()
    switch address.address {
    case .v4(let ipv4):
      family = 4
      low = UInt64(ipv4.rawValue)
    case .v6(let ipv6):
      family = 6
      high = ipv6.high
      low = ipv6.low
      zone = address.zone
    }
    port = address.port.rawValue
  }

  var address: SocketAddress? {
    let port = PortNumber(rawValue: port)
    switch family {
    case 4:
      let ipv4 = IPv4Address(rawValue: UInt32(truncatingIfNeeded: low))
      return SocketAddress(.v4(ipv4), port: port)
    case 6: return SocketAddress(.v6(IPv6Address(high: high, low: low)), port: port, zone: zone)
    default: return nil
    }
  }
}

@c @implementation
public func berkeley_socket(
  _ node: CInt, _ family: CInt, _ kind: CInt, _ number: CInt, _ non_blocking: CInt
) -> CInt {
  answer { () throws(Errno) in
    guard let node = descriptors.node(node < 0 ? nil : Int(node)) else { throw .networkDown }
    let isStream = kind == CInt(BERKELEY_STREAM)
    let rawProtocol =
      kind == CInt(BERKELEY_RAW) ? UInt8(truncatingIfNeeded: number) : nil
    let reference = try node.turn { (state) throws(Errno) in
      let index = state.insert(
        isStream: isStream, rawProtocol: rawProtocol, family: UInt8(truncatingIfNeeded: family),
        isNonBlocking: non_blocking != 0, options: SocketOptions(isStream: isStream))
      if let rawProtocol {
        do throws(Errno) {
          try state.openRaw(index, rawProtocol)
        } catch {
          state.remove(index)
          throw error
        }
      }
      return SocketReference(
        node: node, index: index, generation: state.records[index].generation)
    }
    return Int(try descriptors.insert(reference))
  }
}

extension Descriptors {
  /// A descriptor for a new socket, which is closed where there is none.
  fileprivate func insert(_ reference: SocketReference) throws(Errno) -> CInt {
    do throws(Errno) {
      return try insert(.socket(reference))
    } catch {
      reference.node.turn { state in
        if let index = try? state.check(reference) { state.close(index) }
      }
      throw error
    }
  }
}

@c @implementation
public func berkeley_bind(
  _ descriptor: CInt, _ local: UnsafePointer<berkeley_address>?
) -> CInt {
  answer { () throws(Errno) in
    guard let local = unsafe local?.pointee.address else { throw .addressFamilyNotSupported }
    return try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      try state.bind(index, to: local)
      return 0
    }
  }
}

@c @implementation
public func berkeley_listen(_ descriptor: CInt, _ backlog: CInt) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      try state.listen(index, backlog: Int(backlog))
      return 0
    }
  }
}

@c @implementation
public func berkeley_accept(
  _ descriptor: CInt, _ non_blocking: CInt, _ remote: UnsafeMutablePointer<berkeley_address>?
) -> CInt {
  answer { () throws(Errno) in
    let listener = try descriptors.socket(descriptor)
    var peer: SocketAddress?
    var generation: UInt32 = 0
    let index = try listener.call(.reading) { (state, index) throws(Errno) -> Int? in
      let place = try state.accept(index, isNonBlocking: non_blocking != 0)
      guard let place else { return nil }
      peer = try? state.remoteAddress(place)
      generation = state.records[place].generation
      return place
    }
    unsafe remote?.pointee = peer.map { berkeley_address($0) } ?? berkeley_address()
    return Int(
      try descriptors.insert(
        SocketReference(node: listener.node, index: index, generation: generation)))
  }
}

@c @implementation
public func berkeley_connect(
  _ descriptor: CInt, _ remote: UnsafePointer<berkeley_address>?
) -> CInt {
  answer { () throws(Errno) in
    let socket = try descriptors.socket(descriptor)
    let remote = unsafe remote?.pointee.address
    var hasBegun = false
    return try socket.call(.connecting) { (state, index) throws(Errno) -> Int? in
      guard state.records[index].isStream else {
        try state.connectDatagrams(index, to: remote)
        return 0
      }
      guard let remote else {
        state.disconnect(index)
        return 0
      }
      return try state.connect(index, to: remote, hasBegun: &hasBegun)
    }
  }
}

@c @implementation
public func berkeley_shutdown(_ descriptor: CInt, _ how: CInt) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      try state.shutdown(index, how: Int(how))
      return 0
    }
  }
}

@c @implementation
public func berkeley_close(_ descriptor: CInt) -> CInt {
  answer { () throws(Errno) in
    guard let entry = descriptors.remove(descriptor) else { throw .badFileDescriptor }
    guard case .socket(let socket) = entry else { return 0 }
    let limit = socket.node.turn { state in
      (try? state.check(socket)).map { state.lingering($0) } ?? 0
    }
    if limit > 0 {
      _ = try? socket.call(.lingering(limit)) { (state, index) throws(Errno) in
        state.linger(index)
      }
    }
    socket.node.turn { state in
      if let index = try? state.check(socket) { state.close(index) }
    }
    return 0
  }
}

@c @implementation
public func berkeley_local_address(
  _ descriptor: CInt, _ local: UnsafeMutablePointer<berkeley_address>?
) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) in
      unsafe local?.pointee = berkeley_address(state.localAddress(index))
      return 0
    }
  }
}

@c @implementation
public func berkeley_remote_address(
  _ descriptor: CInt, _ remote: UnsafeMutablePointer<berkeley_address>?
) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      unsafe remote?.pointee = berkeley_address(try state.remoteAddress(index))
      return 0
    }
  }
}

@c @implementation
public func berkeley_kind(_ descriptor: CInt) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) in
      let record = state.records[index]
      if record.rawProtocol != nil { return Int(BERKELEY_RAW) }
      return Int(record.isStream ? BERKELEY_STREAM : BERKELEY_DATAGRAM)
    }
  }
}

@c @implementation
public func berkeley_family(_ descriptor: CInt) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) in Int(state.records[index].family) }
  }
}

@c @implementation
public func berkeley_send(
  _ descriptor: CInt, _ pieces: UnsafePointer<berkeley_piece>?, _ count: CInt, _ flags: CInt,
  _ remote: UnsafePointer<berkeley_address>?
) -> Int {
  answering { () throws(Errno) in
    let socket = try descriptors.socket(descriptor)
    let buffer = unsafe UnsafeBufferPointer(start: pieces, count: Int(count))
    let target = unsafe remote?.pointee.address
    return try unsafe socket.send(buffer, MessageFlags(rawValue: flags), to: target)
  }
}

@c @implementation
public func berkeley_receive(
  _ descriptor: CInt, _ pieces: UnsafePointer<berkeley_piece>?, _ count: CInt, _ flags: CInt,
  _ facts: UnsafeMutablePointer<berkeley_facts>?
) -> Int {
  answering { () throws(Errno) in
    let socket = try descriptors.socket(descriptor)
    let buffer = unsafe UnsafeBufferPointer(start: pieces, count: Int(count))
    var found = berkeley_facts()
    let result = try unsafe socket.receive(buffer, MessageFlags(rawValue: flags), &found)
    unsafe facts?.pointee = found
    return result
  }
}

@c @implementation
public func berkeley_set_option(_ descriptor: CInt, _ option: CInt, _ value: Int64) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      try state.setOption(index, option, value)
      return 0
    }
  }
}

@c @implementation
public func berkeley_get_option(
  _ descriptor: CInt, _ option: CInt, _ value: UnsafeMutablePointer<Int64>?
) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      unsafe value?.pointee = try state.option(index, option)
      return 0
    }
  }
}

@c @implementation
public func berkeley_device_name(
  _ descriptor: CInt, _ number: CInt, _ name: UnsafeMutablePointer<CChar>?
) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      let bytes = Array(try state.deviceName(Int(number)).utf8.prefix(15)) + [0]
      for place in bytes.indices { unsafe name?[place] = CChar(bitPattern: bytes[place]) }
      return 0
    }
  }
}

@c @implementation
public func berkeley_set_filter(
  _ descriptor: CInt, _ blocked: UnsafePointer<UInt32>?
) -> CInt {
  answer { () throws(Errno) in
    let words = unsafe Array(UnsafeBufferPointer(start: blocked, count: blocked == nil ? 0 : 8))
    return try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      try state.setFilter(index, blocked: words)
      return 0
    }
  }
}

@c @implementation
public func berkeley_get_filter(
  _ descriptor: CInt, _ blocked: UnsafeMutablePointer<UInt32>?
) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      let words = try state.filter(index)
      for place in words.indices { unsafe blocked?[place] = words[place] }
      return 0
    }
  }
}

@c @implementation
public func berkeley_get_tcp_info(
  _ descriptor: CInt, _ information: UnsafeMutablePointer<berkeley_tcp_info>?
) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) in
      unsafe information?.pointee = state.information(index)
      return 0
    }
  }
}

@c @implementation
public func berkeley_set_non_blocking(_ descriptor: CInt, _ non_blocking: CInt) -> CInt {
  answer { () throws(Errno) in
    if case .epoll = descriptors[descriptor] { return 0 }
    return try descriptors.turn(descriptor) { (state, index) in
      state.records[index].isNonBlocking = non_blocking != 0
      return 0
    }
  }
}

@c @implementation
public func berkeley_is_non_blocking(_ descriptor: CInt) -> CInt {
  answer { () throws(Errno) in
    if case .epoll = descriptors[descriptor] { return 0 }
    return try descriptors.turn(descriptor) { (state, index) in
      state.records[index].isNonBlocking ? 1 : 0
    }
  }
}

/// A number out of how a socket stands; zero where the stack has none yet.
private func count(
  _ descriptor: CInt, _ number: (SocketReadiness) -> Int
) -> CInt {
  answer { () throws(Errno) in
    try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      if state.records[index].phase == .listening { throw .invalidArgument }
      return state.records[index].handle.flatMap { state.stack.readiness($0) }.map(number) ?? 0
    }
  }
}

@c @implementation
public func berkeley_readable_bytes(_ descriptor: CInt) -> CInt {
  count(descriptor) { $0.readableBytes }
}

@c @implementation
public func berkeley_has_ended(_ descriptor: CInt) -> CInt {
  count(descriptor) { $0.isFinished ? 1 : 0 }
}

@c @implementation
public func berkeley_unacknowledged_bytes(_ descriptor: CInt) -> CInt {
  count(descriptor) { $0.unacknowledgedBytes }
}

@c @implementation
public func berkeley_unsent_bytes(_ descriptor: CInt) -> CInt {
  count(descriptor) { $0.unsentBytes }
}

@c @implementation
public func berkeley_is_descriptor(_ descriptor: CInt) -> CInt {
  descriptors[descriptor] == nil ? 0 : 1
}
