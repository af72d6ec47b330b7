public import Addresses

/// What kind of thing a record says (RFC 1035 §3.2.2).
public struct RecordType: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt16

  @inline(__always)
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// An IPv4 address.
  public static var a: Self { Self(rawValue: 1) }
  /// The name of a server that knows the zone.
  public static var ns: Self { Self(rawValue: 2) }
  /// The name that this one is another word for.
  public static var cname: Self { Self(rawValue: 5) }
  /// Who answers for the zone, and for how long an absence may be believed.
  public static var soa: Self { Self(rawValue: 6) }
  /// The name of an address.
  public static var ptr: Self { Self(rawValue: 12) }
  /// Who takes mail.
  public static var mx: Self { Self(rawValue: 15) }
  /// Texts.
  public static var txt: Self { Self(rawValue: 16) }
  /// An IPv6 address (RFC 3596).
  public static var aaaa: Self { Self(rawValue: 28) }
  /// Where a service is (RFC 2782).
  public static var srv: Self { Self(rawValue: 33) }
  /// No record: what the sender of a message can do (RFC 6891 §6.1).
  static var opt: Self { Self(rawValue: 41) }
}

/// Something that a name server says of a name (RFC 1035 §4.1.3).
public struct ResourceRecord: Hashable, Sendable {
  /// What it says.
  public enum Content: Hashable, Sendable {
    case address(IPAddress)
    /// Of a CNAME, PTR or NS record.
    case name(DomainName)
    case service(priority: UInt16, weight: UInt16, port: PortNumber, target: DomainName)
    case mailExchange(preference: UInt16, host: DomainName)
    case text([[UInt8]])
    case authority(StartOfAuthority)
    /// Of a type or class that is not known here, as it stood.
    case other([UInt8])
  }

  /// Who answers for a zone (RFC 1035 §3.3.13); times in seconds.
  public struct StartOfAuthority: Hashable, Sendable {
    public var primary: DomainName
    public var mailbox: DomainName
    public var serial: UInt32
    public var refresh: UInt32
    public var retry: UInt32
    public var expire: UInt32
    /// For how long an absence may be believed (RFC 2308 §4).
    public var minimum: UInt32

    public init(
      primary: DomainName, mailbox: DomainName, serial: UInt32, refresh: UInt32, retry: UInt32,
      expire: UInt32, minimum: UInt32
    ) {
      self.primary = primary
      self.mailbox = mailbox
      self.serial = serial
      self.refresh = refresh
      self.retry = retry
      self.expire = expire
      self.minimum = minimum
    }
  }

  public var name: DomainName
  public var type: RecordType
  /// 1, the Internet, in everything one meets.
  public var recordClass: UInt16
  /// For how many seconds it may be believed.
  public var timeToLive: UInt32
  public var content: Content

  public init(
    _ name: DomainName, _ type: RecordType, recordClass: UInt16 = 1, timeToLive: UInt32,
    _ content: Content
  ) {
    self.name = name
    self.type = type
    self.recordClass = recordClass
    self.timeToLive = timeToLive
    self.content = content
  }
}

extension ResourceRecord {
  /// Reads a record of a message.
  ///
  /// - Parameter offset: where it begins; afterwards, behind it.
  init(parsing message: Span<UInt8>, at offset: inout Int) throws(Malformed) {
    name = try DomainName(parsing: message, at: &offset)
    guard offset &+ 10 <= message.count else { throw .truncated }
    type = RecordType(rawValue: message.uint16(at: offset))
    recordClass = message.uint16(at: offset &+ 2)
    timeToLive = message.uint32(at: offset &+ 4)
    // RFC 2181 §8: a lifetime with the first bit set means none. (OPT has other things there.)
    if type != .opt, timeToLive >> 31 != 0 { timeToLive = 0 }
    let length = Int(message.uint16(at: offset &+ 8))
    offset &+= 10
    let end = offset &+ length
    guard end <= message.count else { throw .truncated }
    content = try Content(
      parsing: message.slice(from: 0, length: end), from: offset, recordClass == 1 ? type : nil)
    offset = end
  }
}

extension ResourceRecord.Content {
  /// - Parameters:
  ///   - message: to the end of the record.
  ///   - type: nil where the class is not the Internet's.
  fileprivate init(
    parsing message: Span<UInt8>, from start: Int, _ type: RecordType?
  ) throws(Malformed) {
    let length = message.count &- start
    var offset = start
    switch type {
    case .a:
      guard length == 4 else { throw .badLength }
      self = .address(.v4(IPv4Address(rawValue: message.uint32(at: start))))
      return
    case .aaaa:
      guard length == 16 else { throw .badLength }
      self = .address(
        .v6(
          IPv6Address(high: message.uint64(at: start), low: message.uint64(at: start &+ 8))))
      return
    case .cname, .ptr, .ns:
      self = .name(try DomainName(parsing: message, at: &offset))
    case .srv:
      guard length >= 7 else { throw .badLength }
      offset &+= 6
      self = .service(
        priority: message.uint16(at: start), weight: message.uint16(at: start &+ 2),
        port: PortNumber(rawValue: message.uint16(at: start &+ 4)),
        target: try DomainName(parsing: message, at: &offset))
    case .mx:
      guard length >= 3 else { throw .badLength }
      offset &+= 2
      self = .mailExchange(
        preference: message.uint16(at: start), host: try DomainName(parsing: message, at: &offset))
    case .txt:
      var texts: [[UInt8]] = []
      while offset < message.count {
        let text = Int(message.uint8(at: offset))
        guard offset &+ text < message.count else { throw .badLength }
        texts.append(Self.bytes(message.slice(from: offset &+ 1, length: text)))
        offset &+= text &+ 1
      }
      self = .text(texts)
    case .soa:
      let primary = try DomainName(parsing: message, at: &offset)
      let mailbox = try DomainName(parsing: message, at: &offset)
      guard message.count &- offset == 20 else { throw .badLength }
      self = .authority(
        ResourceRecord.StartOfAuthority(
          primary: primary, mailbox: mailbox, serial: message.uint32(at: offset),
          refresh: message.uint32(at: offset &+ 4), retry: message.uint32(at: offset &+ 8),
          expire: message.uint32(at: offset &+ 12), minimum: message.uint32(at: offset &+ 16)))
      offset &+= 20
    default:
      self = .other(Self.bytes(message.slice(from: start)))
      return
    }
    guard offset == message.count else { throw .badLength }
  }

  private static func bytes(_ span: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(span)
    return bytes
  }
}
