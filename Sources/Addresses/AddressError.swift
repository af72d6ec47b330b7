/// Why a text is not an address. Prints as a sentence for the person who typed it.
public struct AddressError: Error, Hashable, Sendable {
  /// What the text was read as.
  public enum Subject: Hashable, Sendable {
    case ipv4Address, ipv6Address, ipAddress, ethernetAddress
    case port, prefix, socketAddress, endpoint
  }

  /// The first thing found wrong, from left to right.
  public enum Reason: Error, Hashable, Sendable {
    /// There is no text.
    case empty
    /// The text is longer than ``AddressError/longestText`` characters.
    case tooLong
    /// A character that cannot stand where it does.
    case unexpected(Unicode.Scalar)
    /// The text ends where something must follow.
    case unexpectedEnd
    /// An IPv4 address of more or fewer than four numbers.
    case octetCount
    /// A number of an IPv4 address beyond 255.
    case octetTooLarge
    /// A decimal number with a zero in front, which some would read as octal.
    case leadingZero
    /// An IPv6 address of more than eight groups, or of fewer without `::`.
    case groupCount
    /// A group of more than four hexadecimal digits.
    case groupTooLong
    /// `::` a second time.
    case secondCompression
    /// A prefix without `/` and a length.
    case missingLength
    /// A prefix length beyond the address's width, which is `maximum`.
    case lengthTooLarge(maximum: UInt8)
    /// A socket address without `:` and a port.
    case missingPort
    /// A port beyond 65,535.
    case portTooLarge
    /// A port where the transport has none.
    case portNotAllowed
    /// An IPv6 address with a port but without brackets around the address.
    case missingBrackets
    /// A zone behind an IPv4 address.
    case zoneNotAllowed
    /// A zone number beyond 32 bits.
    case zoneTooLarge
    /// A zone name that is no interface's.
    case unknownZone(String)
    /// An endpoint without `tcp://`, `udp://` or `ip://` in front.
    case missingTransport
    /// Something else before `://`.
    case unknownTransport(String)
  }

  public let subject: Subject
  /// The text as given, cut to ``longestText`` characters.
  public let text: String
  public let reason: Reason

  public init(_ subject: Subject, text: String, reason: Reason) {
    self.subject = subject
    self.text = text
    self.reason = reason
  }

  /// No address is as long as this, zone names included.
  public static var longestText: Int { 255 }
}
