import Addresses
import Host
import Packets
import SystemPackage

/// An echo socket of the kernel's: the kernel chooses the identifier, gives every socket the
/// answers to its own requests alone, and puts down what routers said about them in the socket's
/// queue of errors.
final class KernelEcho: EchoImplementation, KernelImplementation {
  let handle: KernelHandle
  private let version: EchoSocket.Version

  /// Type, code, checksum, identifier, sequence number: the same eight bytes in RFC 792 and
  /// RFC 4443 §4.
  static let headerSize = 8

  init(_ handle: KernelHandle, _ version: EchoSocket.Version) {
    self.handle = handle
    self.version = version
  }

  /// A request, without its checksum.
  static func request(
    _ payload: Span<UInt8>, _ version: EchoSocket.Version, identifier: UInt16, sequence: UInt16
  ) -> [UInt8] {
    var message = [UInt8](repeating: 0, count: headerSize + payload.count)
    message[0] = version == .v4 ? 8 : 128
    message[4] = UInt8(identifier >> 8)
    message[5] = UInt8(truncatingIfNeeded: identifier)
    message[6] = UInt8(sequence >> 8)
    message[7] = UInt8(truncatingIfNeeded: sequence)
    for index in payload.indices { message[headerSize + index] = payload[index] }
    return message
  }

  func send(
    _ payload: Span<UInt8>, to remote: IPAddress, zone: UInt32, sequence: UInt16, hopLimit: UInt8
  ) async throws(SocketError.Reason) {
    guard remote.isIPv6 == (version == .v6) else { throw .addressFamilyNotSupported }
    let message = Self.request(payload, version, identifier: 0, sequence: sequence)
    let address = SocketAddress(remote, port: .any, zone: zone)
    // A full queue loses the request, as the network may.
    _ = try handle.use { socket throws(Errno) in
      try socket.set(.hopLimit(ipv6: version == .v6), to: Int(hopLimit))
      do throws(Errno) {
        return try socket.send(message.span, to: address)
      } catch {
        // It may be the news about an earlier request, which the queue of errors has as well.
        return try socket.send(message.span, to: address)
      }
    }
  }

  func tryReceive(
    into payload: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<EchoAnswer> {
    var message = [UInt8](repeating: 0, count: Self.headerSize + payload.count)
    while true {
      var bytes = message.mutableSpan
      let attempt: Attempt<Found> = try handle.tryReading { socket throws(Errno) in
        while true {
          if let (error, count) = try socket.receiveError(into: &bytes) {
            return (.error(error, count), true)
          }
          do throws(Errno) {
            return try socket.receive(into: &bytes).map { (.answer($0), true) }
          } catch {
            // What the kernel says in this way stands in the queue of errors, or has been read.
            if error == .badFileDescriptor { throw error }
          }
        }
      }
      guard case .done(let found) = attempt else { return .wouldBlock }
      let sequence = UInt16(message[6]) << 8 | UInt16(message[7])
      switch found {
      case .error(let error, let count):
        guard count >= Self.headerSize, let answer = EchoAnswer(error, sequence) else { continue }
        return .done(answer)
      case .answer(let arrival):
        let isReply = message[0] == (version == .v4 ? 0 : 129)
        guard isReply, arrival.length >= Self.headerSize else { continue }
        let length = arrival.length - Self.headerSize
        let count = min(length, payload.count)
        for index in 0..<count { payload[index] = message[Self.headerSize + index] }
        return .done(
          EchoAnswer(
            kind: .reply, source: arrival.source.address, sequence: sequence,
            hopLimit: arrival.hopLimit, count: count, length: length))
      }
    }
  }

  private enum Found: Sendable {
    case answer(KernelSocket.Arrival)
    case error(KernelSocket.ReportedError, Int)
  }
}

extension EchoAnswer {
  /// What a router or the destination said about a request; nil where it was somebody else, or
  /// nothing final.
  fileprivate init?(_ error: KernelSocket.ReportedError, _ sequence: UInt16) {
    guard error.isICMP, let offender = error.offender,
      let kind = Kind(isIPv4: offender.isIPv4, type: error.type, code: error.code, mtu: error.mtu)
    else { return nil }
    self.init(
      kind: kind, source: offender, sequence: sequence, hopLimit: error.hopLimit, count: 0,
      length: 0)
  }
}

extension EchoAnswer.Kind {
  /// By the type and code of an ICMP error (RFC 792, RFC 4443 §3); nil for other messages.
  init?(isIPv4: Bool, type: UInt8, code: UInt8, mtu: UInt32) {
    switch (isIPv4, type) {
    case (true, 3): self = code == 4 ? .packetTooBig(mtu: mtu) : .unreachable(code: code)
    case (true, 11), (false, 3): self = .timeExceeded
    // RFC 1122 §3.2.2.5: somebody on the way did not understand the request.
    case (true, 12): self = .unreachable(code: 2)
    case (false, 1): self = .unreachable(code: code)
    case (false, 2): self = .packetTooBig(mtu: mtu)
    case (false, 4): self = .unreachable(code: 4)
    default: return nil
    }
  }
}
