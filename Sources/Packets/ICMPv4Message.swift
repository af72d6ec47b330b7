public import Addresses

/// The header of an ICMP message (RFC 792), 8 bytes: type, code, checksum and a word that depends
/// on them. Behind it lies an echo's data, or the beginning of the packet an error is about: see
/// ``QuotedFlow``.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +---------------+---------------+-------------------------------+
///   |     Type      |     Code      |           Checksum            |
///   +---------------+---------------+-------------------------------+
///   |  Identifier, Pointer or zero  |  Sequence, Next-Hop MTU or 0  |
///   +-------------------------------+-------------------------------+
/// ```
public enum ICMPv4Message: Equatable, Sendable {
  case echoReply(identifier: UInt16, sequence: UInt16)
  case echoRequest(identifier: UInt16, sequence: UInt16)
  /// `nextHopMTU` counts for ``UnreachableCode/fragmentationNeeded`` alone (RFC 1191), and is zero
  /// from old routers.
  case destinationUnreachable(UnreachableCode, nextHopMTU: UInt16)
  case redirect(code: UInt8, gateway: IPv4Address)
  /// Code 0 in transit, 1 on reassembly.
  case timeExceeded(code: UInt8)
  /// `pointer` is the octet of the quoted packet that was not understood.
  case parameterProblem(code: UInt8, pointer: UInt8)
  /// Every other message; `word` are its second four bytes.
  case other(type: UInt8, code: UInt8, word: UInt32)

  /// Why a destination cannot be reached (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1).
  public struct UnreachableCode: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt8

    @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static var network: Self { Self(rawValue: 0) }
    public static var host: Self { Self(rawValue: 1) }
    public static var `protocol`: Self { Self(rawValue: 2) }
    public static var port: Self { Self(rawValue: 3) }
    public static var fragmentationNeeded: Self { Self(rawValue: 4) }
    public static var sourceRouteFailed: Self { Self(rawValue: 5) }
    public static var networkProhibited: Self { Self(rawValue: 9) }
    public static var hostProhibited: Self { Self(rawValue: 10) }
    public static var administrativelyProhibited: Self { Self(rawValue: 13) }
  }

  /// Bytes on the wire.
  public static var size: Int { ICMPHeader.size }

  /// Whether this reports an error about a packet, which is never answered with another error.
  public var isError: Bool {
    switch self {
    case .destinationUnreachable, .redirect, .timeExceeded, .parameterProblem: true
    case .other(let type, _, _): type == 4
    case .echoReply, .echoRequest: false
    }
  }

  /// - Parameters:
  ///   - bytes: the whole payload of the IP packet.
  ///   - verifyingChecksum: false where the link or the sender vouches for it.
  public init(parsing bytes: Span<UInt8>, verifyingChecksum: Bool = true) throws(Malformed) {
    guard bytes.count >= Self.size else { throw .truncated }
    if verifyingChecksum {
      var checksum = InternetChecksum()
      checksum.add(bytes)
      guard checksum.value == 0 else { throw .badChecksum }
    }
    let header = ICMPHeader(bytes)
    let code = header.code
    switch (header.type, code) {
    case (0, 0): self = .echoReply(identifier: header.upper, sequence: header.lower)
    case (8, 0): self = .echoRequest(identifier: header.upper, sequence: header.lower)
    case (3, _):
      self = .destinationUnreachable(UnreachableCode(rawValue: code), nextHopMTU: header.lower)
    case (5, _): self = .redirect(code: code, gateway: IPv4Address(rawValue: header.word))
    case (11, _): self = .timeExceeded(code: code)
    case (12, _):
      self = .parameterProblem(code: code, pointer: UInt8(truncatingIfNeeded: header.word &>> 24))
    default: self = .other(type: header.type, code: code, word: header.word)
    }
  }

  private var header: ICMPHeader {
    switch self {
    case .echoReply(let identifier, let sequence):
      ICMPHeader(type: 0, identifier: identifier, sequence: sequence)
    case .echoRequest(let identifier, let sequence):
      ICMPHeader(type: 8, identifier: identifier, sequence: sequence)
    case .destinationUnreachable(let code, let mtu):
      ICMPHeader(type: 3, code: code.rawValue, word: UInt32(mtu))
    case .redirect(let code, let gateway):
      ICMPHeader(type: 5, code: code, word: gateway.rawValue)
    case .timeExceeded(let code): ICMPHeader(type: 11, code: code, word: 0)
    case .parameterProblem(let code, let pointer):
      ICMPHeader(type: 12, code: code, word: UInt32(pointer) &<< 24)
    case .other(let type, let code, let word): ICMPHeader(type: type, code: code, word: word)
    }
  }

  /// Writes ``size`` bytes, with the checksum of everything from `offset` to the end of `bytes`:
  /// what the message carries must already lie behind.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int = 0) {
    header.write(into: &bytes, at: offset)
    var checksum = InternetChecksum()
    checksum.add(bytes.span.slice(from: offset))
    bytes.store(checksum.value, at: offset &+ 2)
  }
}
