/// A question to a name server, or its answer (RFC 1035 §4.1).
///
/// ```
///   +---------------------+
///   |        Header       |  identifier, flags, how many of each
///   +---------------------+
///   |       Question      |
///   +---------------------+
///   |        Answer       |  records
///   +---------------------+
///   |      Authority      |  records about who answers for the zone
///   +---------------------+
///   |      Additional     |  records that may help, EDNS (RFC 6891)
///   +---------------------+
/// ```
public struct DNSMessage: Equatable, Sendable {
  /// What is asked.
  public struct Question: Hashable, Sendable {
    public var name: DomainName
    public var type: RecordType
    /// 1, the Internet.
    public var questionClass: UInt16

    public init(_ name: DomainName, _ type: RecordType, questionClass: UInt16 = 1) {
      self.name = name
      self.type = type
      self.questionClass = questionClass
    }
  }

  /// How a request went (RFC 1035 §4.1.1, RFC 6895 §2.3).
  public struct ResponseCode: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt16

    @inline(__always)
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static var success: Self { Self(rawValue: 0) }
    public static var formatError: Self { Self(rawValue: 1) }
    public static var serverFailure: Self { Self(rawValue: 2) }
    /// NXDOMAIN: there is no such name.
    public static var nameError: Self { Self(rawValue: 3) }
    public static var notImplemented: Self { Self(rawValue: 4) }
    public static var refused: Self { Self(rawValue: 5) }
  }

  /// What the sender can do beyond RFC 1035 (RFC 6891 §6.1).
  public struct Extensions: Hashable, Sendable {
    /// The longest message over UDP, in bytes, that the sender takes.
    public var payloadSize: UInt16
    public var version: UInt8
    public var flags: UInt16

    public init(payloadSize: UInt16, version: UInt8 = 0, flags: UInt16 = 0) {
      self.payloadSize = payloadSize
      self.version = version
      self.flags = flags
    }
  }

  public var identifier: UInt16
  /// The flags as on the wire, without the response code.
  var flags: UInt16
  public var responseCode: ResponseCode
  public var questions: [Question]
  public var answers: [ResourceRecord]
  public var authorities: [ResourceRecord]
  public var additionals: [ResourceRecord]
  public var extensions: Extensions?

  /// The bytes of the header.
  public static var headerSize: Int { 12 }

  /// A question.
  public init(identifier: UInt16, _ question: Question, extensions: Extensions? = nil) {
    self.identifier = identifier
    flags = 0
    responseCode = .success
    questions = [question]
    answers = []
    authorities = []
    additionals = []
    self.extensions = extensions
  }

  /// Reads a message. Linear in its length, times ``DomainName/longest`` where every name is a
  /// pointer.
  public init(parsing bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= Self.headerSize else { throw .truncated }
    identifier = bytes.uint16(at: 0)
    flags = bytes.uint16(at: 2) & 0xFFF0
    var code = bytes.uint16(at: 2) & 0xF
    var offset = Self.headerSize
    questions = []
    var count = bytes.uint16(at: 4)
    while count > 0 {
      count &-= 1
      let name = try DomainName(parsing: bytes, at: &offset)
      guard offset &+ 4 <= bytes.count else { throw .truncated }
      questions.append(
        Question(
          name, RecordType(rawValue: bytes.uint16(at: offset)),
          questionClass: bytes.uint16(at: offset &+ 2)))
      offset &+= 4
    }
    answers = try Self.records(bytes, &offset, bytes.uint16(at: 6))
    authorities = try Self.records(bytes, &offset, bytes.uint16(at: 8))
    additionals = []
    var left = bytes.uint16(at: 10)
    while left > 0 {
      left &-= 1
      let record = try ResourceRecord(parsing: bytes, at: &offset)
      guard record.type == .opt else {
        additionals.append(record)
        continue
      }
      // RFC 6891 §6.1.1: one of them, and it has the root's name.
      guard extensions == nil else { throw .tooMany }
      guard record.name == .root else { throw .badValue }
      extensions = Extensions(
        payloadSize: record.recordClass,
        version: UInt8(truncatingIfNeeded: record.timeToLive >> 16),
        flags: UInt16(truncatingIfNeeded: record.timeToLive))
      code |= UInt16(truncatingIfNeeded: record.timeToLive >> 24) << 4
    }
    responseCode = ResponseCode(rawValue: code)
  }

  private static func records(
    _ bytes: Span<UInt8>, _ offset: inout Int, _ count: UInt16
  ) throws(Malformed) -> [ResourceRecord] {
    // Every one takes bytes of the message, so their number is bounded by its length.
    var records: [ResourceRecord] = []
    var left = count
    while left > 0 {
      left &-= 1
      records.append(try ResourceRecord(parsing: bytes, at: &offset))
    }
    return records
  }
}

extension DNSMessage {
  /// Whether it is an answer.
  public var isResponse: Bool {
    get { flags & 0x8000 != 0 }
    set { set(0x8000, newValue) }
  }

  /// What is wanted; zero for a question.
  public var operation: UInt8 { UInt8(truncatingIfNeeded: flags >> 11 & 0xF) }

  /// Whether the server answers for the zone itself.
  public var isAuthoritative: Bool {
    get { flags & 0x0400 != 0 }
    set { set(0x0400, newValue) }
  }

  /// Whether there was more than the transport carries.
  public var isTruncated: Bool {
    get { flags & 0x0200 != 0 }
    set { set(0x0200, newValue) }
  }

  /// Whether the server shall ask others.
  public var wantsRecursion: Bool {
    get { flags & 0x0100 != 0 }
    set { set(0x0100, newValue) }
  }

  /// Whether the server would.
  public var offersRecursion: Bool {
    get { flags & 0x0080 != 0 }
    set { set(0x0080, newValue) }
  }

  private mutating func set(_ bit: UInt16, _ isSet: Bool) {
    if isSet { flags |= bit } else { flags &= ~bit }
  }
}
