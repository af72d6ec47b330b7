import Addresses
import Host
import Packets
import SystemPackage

/// An echo socket over a raw one, for programs that may have those but no echo sockets: it chooses
/// the identifier itself, and looks for its own answers among all that come.
final class KernelRawEcho: EchoImplementation, KernelImplementation {
  let handle: KernelHandle
  private let version: EchoSocket.Version
  private let identifier: UInt16

  init(_ handle: KernelHandle, _ version: EchoSocket.Version, identifier: UInt16) {
    self.handle = handle
    self.version = version
    self.identifier = identifier
  }

  func send(
    _ payload: Span<UInt8>, to remote: IPAddress, zone: UInt32, sequence: UInt16, hopLimit: UInt8
  ) async throws(SocketError.Reason) {
    guard remote.isIPv6 == (version == .v6) else { throw .addressFamilyNotSupported }
    var message = KernelEcho.request(payload, version, identifier: identifier, sequence: sequence)
    if version == .v4 {
      // Of ICMPv6 the kernel keeps the checksum itself (RFC 3542 §3.1).
      var sum = InternetChecksum()
      sum.add(message.span)
      message[2] = UInt8(sum.value >> 8)
      message[3] = UInt8(truncatingIfNeeded: sum.value)
    }
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
    // Room for the longest IPv4 header, and for the packet that an error quotes.
    let room = 60 + KernelEcho.headerSize + max(payload.count, 1_280)
    var packet = [UInt8](repeating: 0, count: room)
    while true {
      var bytes = packet.mutableSpan
      let attempt = try handle.tryReading { socket throws(Errno) in
        (try socket.receive(into: &bytes)).map { (value: $0, mayHaveMore: true) }
      }
      guard case .done(let arrival) = attempt else { return .wouldBlock }
      let whole = packet.span.slice(from: 0, length: min(arrival.length, room))
      var offset = 0
      if version == .v4 {
        // The kernel has checked it.
        guard whole.count >= 20 else { continue }
        offset = Int(whole.uint8(at: 0) & 15) * 4
      }
      let message = whole.slice(from: offset)
      guard message.count >= KernelEcho.headerSize,
        let answer = answer(message, arrival, length: arrival.length - offset, into: &payload)
      else { continue }
      return .done(answer)
    }
  }

  private func answer(
    _ message: Span<UInt8>, _ arrival: KernelSocket.Arrival, length: Int,
    into payload: inout MutableSpan<UInt8>
  ) -> EchoAnswer? {
    let type = message.uint8(at: 0)
    if type == (version == .v4 ? 0 : 129) {
      guard message.uint16(at: 4) == identifier else { return nil }
      let body = message.slice(from: KernelEcho.headerSize)
      let count = body.copy(into: &payload)
      return EchoAnswer(
        kind: .reply, source: arrival.source.address, sequence: message.uint16(at: 6),
        hopLimit: arrival.hopLimit, count: count, length: length - KernelEcho.headerSize)
    }
    // RFC 1191 §4: the MTU is in the second half of the field that RFC 4443 §3.2 has for it.
    let mtu = version == .v4 ? UInt32(message.uint16(at: 6)) : message.uint32(at: 4)
    guard
      let kind = EchoAnswer.Kind(
        isIPv4: version == .v4, type: type, code: message.uint8(at: 1), mtu: mtu)
    else { return nil }
    let quoted = message.slice(from: KernelEcho.headerSize)
    let flow =
      version == .v4
      ? try? QuotedFlow(parsingIPv4: quoted) : try? QuotedFlow(parsingIPv6: quoted)
    guard let echo = flow?.echo, echo.identifier == identifier else { return nil }
    return EchoAnswer(
      kind: kind, source: arrival.source.address, sequence: echo.sequence,
      hopLimit: arrival.hopLimit, count: 0, length: 0)
  }
}
