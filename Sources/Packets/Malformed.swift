/// Why bytes from the wire were refused. Each reason is a counter: the raw values are dense and
/// begin at zero, so that they index a table of ``count`` entries.
public enum Malformed: UInt8, Error, Equatable, Sendable {
  /// Fewer bytes than the header needs.
  case truncated
  /// The IP version is not the one asked for.
  case badVersion
  /// A header length below the least, or beyond the bytes that are there.
  case badHeaderLength
  /// A total or payload length that contradicts the header or the bytes that are there.
  case badLength
  /// The checksum does not match.
  case badChecksum
  /// An option with a length or content that cannot be.
  case badOption
  /// A message type, operation or code that this parser is not for.
  case badType
  /// An address that may not stand where it stands.
  case badAddress
  /// A hop limit other than the one the message must arrive with.
  case badHopLimit
  /// A protocol field whose value is not allowed there.
  case badValue
  /// More headers or options than anyone sends in earnest.
  case tooMany
  /// An IPv6 option that was not understood and asks for the packet to be discarded.
  case unrecognizedOption
  /// A packet that says it carries nothing (RFC 8200 §4.7).
  case noNextHeader
  /// A fragment where none may be, or not whole enough to be looked at.
  case badFragment

  /// The number of reasons.
  public static var count: Int { 14 }
}
