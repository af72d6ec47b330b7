import Addresses
import Host
import Packets
import SystemPackage

/// An echo socket of the kernel's: the kernel chooses the identifier, and gives every socket the
/// answers to its own requests alone.
final class KernelEcho: EchoImplementation, KernelImplementation {
  let handle: KernelHandle
  private let version: EchoSocket.Version

  /// Type, code, checksum, identifier, sequence number: the same eight bytes in RFC 792 and
  /// RFC 4443 §4.
  private static let headerSize = 8

  init(_ handle: KernelHandle, _ version: EchoSocket.Version) {
    self.handle = handle
    self.version = version
  }

  func send(
    _ payload: Span<UInt8>, to remote: IPAddress, zone: UInt32, sequence: UInt16, hopLimit: UInt8
  ) async throws(SocketError.Reason) {
    guard remote.isIPv6 == (version == .v6) else { throw .addressFamilyNotSupported }
    var message = [UInt8](repeating: 0, count: Self.headerSize + payload.count)
    message[0] = version == .v4 ? 8 : 128
    message[6] = UInt8(sequence >> 8)
    message[7] = UInt8(truncatingIfNeeded: sequence)
    for index in payload.indices { message[Self.headerSize + index] = payload[index] }
    let address = SocketAddress(remote, port: .any, zone: zone)
    // A full queue loses the request, as the network may.
    _ = try handle.use { socket throws(Errno) in
      try socket.set(.hopLimit(ipv6: version == .v6), to: Int(hopLimit))
      return try socket.send(message.span, to: address)
    }
  }

  func tryReceive(
    into payload: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<EchoAnswer> {
    var message = [UInt8](repeating: 0, count: Self.headerSize + payload.count)
    while true {
      var bytes = message.mutableSpan
      let attempt = try handle.tryReading { socket throws(Errno) in
        (try socket.receive(into: &bytes)).map { (value: $0, mayHaveMore: true) }
      }
      guard case .done(let arrival) = attempt else { return .wouldBlock }
      let isReply = message[0] == (version == .v4 ? 0 : 129)
      guard isReply, arrival.length >= Self.headerSize else { continue }
      let length = arrival.length - Self.headerSize
      let count = min(length, payload.count)
      for index in 0..<count { payload[index] = message[Self.headerSize + index] }
      return .done(
        EchoAnswer(
          kind: .reply, source: arrival.source.address,
          sequence: UInt16(message[6]) << 8 | UInt16(message[7]), hopLimit: arrival.hopLimit,
          count: count, length: length))
    }
  }
}
