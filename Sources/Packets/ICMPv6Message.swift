public import Addresses

/// The header of an ICMPv6 message (RFC 4443), 8 bytes: type, code, checksum and a word that
/// depends on them. Behind it lies an echo's data, or the beginning of the packet an error is
/// about: see ``QuotedFlow``. Neighbor discovery has its own parsers.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +---------------+---------------+-------------------------------+
///   |     Type      |     Code      |           Checksum            |
///   +---------------+---------------+-------------------------------+
///   |      Identifier and Sequence, MTU, Pointer, or unused         |
///   +---------------------------------------------------------------+
/// ```
public enum ICMPv6Message: Equatable, Sendable {
  case destinationUnreachable(UnreachableCode)
  case packetTooBig(mtu: UInt32)
  /// Code 0 in transit, 1 on reassembly.
  case timeExceeded(code: UInt8)
  /// `pointer` is the octet of the quoted packet that was not understood.
  case parameterProblem(code: UInt8, pointer: UInt32)
  case echoRequest(identifier: UInt16, sequence: UInt16)
  case echoReply(identifier: UInt16, sequence: UInt16)
  /// Every other message; `word` are its second four bytes.
  case other(type: UInt8, code: UInt8, word: UInt32)

  /// Why a destination cannot be reached (RFC 4443 §3.1).
  public struct UnreachableCode: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt8

    @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static var noRoute: Self { Self(rawValue: 0) }
    public static var administrativelyProhibited: Self { Self(rawValue: 1) }
    public static var beyondScope: Self { Self(rawValue: 2) }
    public static var address: Self { Self(rawValue: 3) }
    public static var port: Self { Self(rawValue: 4) }
    public static var sourcePolicy: Self { Self(rawValue: 5) }
    public static var rejectRoute: Self { Self(rawValue: 6) }
  }

  /// Bytes on the wire.
  public static var size: Int { ICMPHeader.size }

  /// The type field of the message in `bytes`; nothing where there is no byte.
  public static func type(of bytes: Span<UInt8>) -> UInt8? {
    bytes.count > 0 ? bytes.uint8(at: 0) : nil
  }

  /// Whether this reports an error, which is never answered with another one: types below 128.
  public var isError: Bool {
    switch self {
    case .destinationUnreachable, .packetTooBig, .timeExceeded, .parameterProblem: true
    case .other(let type, _, _): type < 128
    case .echoReply, .echoRequest: false
    }
  }

  /// - Parameters:
  ///   - bytes: the whole payload of the IP packet behind its extension headers.
  ///   - verifyingChecksum: false where the link or the sender vouches for it.
  public init(
    parsing bytes: Span<UInt8>, source: IPv6Address, destination: IPv6Address,
    verifyingChecksum: Bool = true
  ) throws(Malformed) {
    guard bytes.count >= Self.size else { throw .truncated }
    if verifyingChecksum {
      guard Self.hasValidChecksum(bytes, source: source, destination: destination) else {
        throw .badChecksum
      }
    }
    let header = ICMPHeader(bytes)
    let code = header.code
    switch (header.type, code) {
    case (1, _): self = .destinationUnreachable(UnreachableCode(rawValue: code))
    case (2, _): self = .packetTooBig(mtu: header.word)
    case (3, _): self = .timeExceeded(code: code)
    case (4, _): self = .parameterProblem(code: code, pointer: header.word)
    case (128, 0): self = .echoRequest(identifier: header.upper, sequence: header.lower)
    case (129, 0): self = .echoReply(identifier: header.upper, sequence: header.lower)
    default: self = .other(type: header.type, code: code, word: header.word)
    }
  }

  /// Whether the message in `bytes` has the right checksum (RFC 4443 §2.3). Linear in its length.
  public static func hasValidChecksum(
    _ bytes: Span<UInt8>, source: IPv6Address, destination: IPv6Address
  ) -> Bool {
    var sum = InternetChecksum.pseudoHeader(
      source: source, destination: destination, protocol: .icmpv6, length: bytes.count)
    sum.add(bytes)
    return sum.value == 0
  }

  /// Computes and stores the checksum of the message that reaches from `offset` to the end of
  /// `bytes`. Linear in its length.
  public static func fillChecksum(
    in bytes: inout MutableSpan<UInt8>, at offset: Int = 0, source: IPv6Address,
    destination: IPv6Address
  ) {
    bytes.store(0 as UInt16, at: offset &+ 2)
    let length = bytes.count &- offset
    var sum = InternetChecksum.pseudoHeader(
      source: source, destination: destination, protocol: .icmpv6, length: length)
    sum.add(bytes.span.slice(from: offset))
    bytes.store(sum.value, at: offset &+ 2)
  }

  private var header: ICMPHeader {
    switch self {
    case .destinationUnreachable(let code): ICMPHeader(type: 1, code: code.rawValue, word: 0)
    case .packetTooBig(let mtu): ICMPHeader(type: 2, code: 0, word: mtu)
    case .timeExceeded(let code): ICMPHeader(type: 3, code: code, word: 0)
    case .parameterProblem(let code, let pointer): ICMPHeader(type: 4, code: code, word: pointer)
    case .echoRequest(let identifier, let sequence):
      ICMPHeader(type: 128, identifier: identifier, sequence: sequence)
    case .echoReply(let identifier, let sequence):
      ICMPHeader(type: 129, identifier: identifier, sequence: sequence)
    case .other(let type, let code, let word): ICMPHeader(type: type, code: code, word: word)
    }
  }

  /// Writes ``size`` bytes, with the checksum of everything from `offset` to the end of `bytes`:
  /// what the message carries must already lie behind.
  public func write(
    into bytes: inout MutableSpan<UInt8>, at offset: Int = 0, source: IPv6Address,
    destination: IPv6Address
  ) {
    header.write(into: &bytes, at: offset)
    Self.fillChecksum(in: &bytes, at: offset, source: source, destination: destination)
  }
}
