import Addresses
import Packets
import Testing

@Suite("A domain name")
struct DomainNameTests {
  @Test(
    "is read and written as people do",
    arguments: [
      ("example.org", "example.org"), ("example.org.", "example.org"), (".", "."),
      ("A.b-c.D", "A.b-c.D"), (#"a\.b.c"#, #"a\.b.c"#), (#"a\032b"#, #"a\032b"#),
      (#"\065x"#, "Ax"), ("_sip._tcp.example", "_sip._tcp.example"),
    ])
  func text(text: String, expected: String) throws {
    #expect(try #require(DomainName(text)).description == expected)
  }

  @Test(
    "is not read from what is none",
    arguments: [
      "", "a..b", ".a", "a b", "ä.de", #"a\25"#, #"a\256"#, #"a\"#,
      String(repeating: "a", count: 64), "a." + String(repeating: "abcdefg.", count: 32),
    ])
  func noName(text: String) { #expect(DomainName(text) == nil) }

  @Test("has labels of 63 bytes and 255 altogether at most")
  func limits() throws {
    let label = String(repeating: "a", count: 63)
    let longest = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
    #expect(try #require(DomainName(longest)).wire.count == DomainName.longest)
    #expect(DomainName(longest + "b") == nil)
    #expect(try #require(DomainName(longest)).appending(try #require(DomainName("c"))) == nil)
  }

  @Test("is the same in any case, and tells case where asked")
  func letterCase() throws {
    let a = try #require(DomainName("WWW.example.ORG"))
    let b = try #require(DomainName("www.Example.org"))
    #expect(a == b)
    #expect(a.hashValue == b.hashValue)
    #expect(!a.isIdentical(to: b))
    #expect(a != DomainName("www.example.com"))
    let varied = b.varyingCase(0b1010101)
    #expect(varied == b)
    #expect(varied.description == "WwW.eXaMple.org")
  }

  @Test("of an address stands backwards")
  func reverse() throws {
    #expect(
      DomainName(reverseOf: try IPAddress(parsing: "192.0.2.17")).description
        == "17.2.0.192.in-addr.arpa")
    #expect(
      DomainName(reverseOf: try IPAddress(parsing: "2001:db8::567:89ab")).description
        == "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")
  }

  @Test("is followed through the message's compression, and ends behind its own part")
  func compression() throws {
    let bytes: [UInt8] = [1, 0x61, 0, 9, 9, 1, 0x62, 0xC0, 0, 1, 0x63, 0xC0, 5, 7]
    var offset = 9
    let name = try DomainName(parsing: bytes.span, at: &offset)
    #expect(name.description == "c.b.a")
    #expect(offset == 13)
  }

  @Test(
    "is refused where pointers lead nowhere, forward or round in circles",
    arguments: [
      ([0xC0, 0], 0), ([0xC0, 2, 0], 0), ([1, 0x61, 0xC0, 0], 0), ([0xC0, 2, 0xC0, 0], 2),
      ([0, 0xC0], 1), ([5, 1, 2], 0), ([0x40, 0], 0), ([0x80, 0], 0), ([], 0), ([1, 0x61], 0),
      ([0], 7), ([0], -1),
    ] as [([UInt8], Int)])
  func badPointers(bytes: [UInt8], start: Int) {
    var offset = start
    #expect(throws: Malformed.self) { try DomainName(parsing: bytes.span, at: &offset) }
  }

  @Test("is refused where pointers make it longer than a name may be")
  func tooLongByPointers() {
    var bytes: [UInt8] = [0]
    var starts = [0]
    for _ in 0..<8 {
      starts.append(bytes.count)
      let previous = starts[starts.count - 2]
      bytes += [40] + [UInt8](repeating: 0x61, count: 40)
      bytes += [0xC0 | UInt8(previous >> 8), UInt8(previous & 0xFF)]
    }
    var offset = starts[6]
    #expect((try? DomainName(parsing: bytes.span, at: &offset))?.labelCount == 6)
    offset = starts[7]
    #expect(throws: Malformed.badLength) { try DomainName(parsing: bytes.span, at: &offset) }
  }
}

@Suite("A DNS message")
struct DNSMessageTests {
  /// An answer with every kind of record.
  private func everything() throws -> DNSMessage {
    func name(_ text: String) throws -> DomainName { try #require(DomainName(text)) }
    var message = DNSMessage(
      identifier: 0xBEEF, .init(try name("www.example.org"), .a),
      extensions: .init(payloadSize: 1_232))
    message.isResponse = true
    message.wantsRecursion = true
    message.offersRecursion = true
    message.responseCode = .init(rawValue: 0x123)
    let www = try name("www.example.org")
    message.answers = [
      ResourceRecord(www, .cname, timeToLive: 60, .name(try name("a.example.org"))),
      ResourceRecord(
        try name("a.example.org"), .a, timeToLive: 1, .address(.v4(IPv4Address(192, 0, 2, 1)))),
      ResourceRecord(www, .aaaa, timeToLive: 2, .address(try IPAddress(parsing: "2001:db8::1"))),
      ResourceRecord(
        www, .srv, timeToLive: 3,
        .service(priority: 1, weight: 2, port: 443, target: try name("b.example"))),
      ResourceRecord(www, .mx, timeToLive: 4, .mailExchange(preference: 5, host: www)),
      ResourceRecord(www, .txt, timeToLive: 4, .text([Array("a".utf8), [], [0, 255]])),
      ResourceRecord(www, RecordType(rawValue: 999), timeToLive: 4, .other([1, 2, 3])),
      ResourceRecord(www, .a, recordClass: 3, timeToLive: 4, .other([1])),
    ]
    message.authorities = [
      ResourceRecord(
        try name("example.org"), .soa, timeToLive: 9,
        .authority(
          .init(
            primary: www, mailbox: .root, serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5)))
    ]
    message.additionals = [
      ResourceRecord(www, .ptr, timeToLive: 4, .name(.root)),
      ResourceRecord(www, .ns, timeToLive: 4, .name(www)),
    ]
    return message
  }

  @Test("is read as it was written, every kind of record")
  func roundTrip() throws {
    let message = try everything()
    let bytes = message.encoded()
    let again = try DNSMessage(parsing: bytes.span)
    #expect(again == message)
    #expect(again.isResponse && again.wantsRecursion && again.offersRecursion)
    #expect(!again.isTruncated && !again.isAuthoritative && again.operation == 0)
  }

  @Test("is refused, and never more than that, when it is cut anywhere")
  func cut() throws {
    let bytes = try everything().encoded()
    for length in 0..<bytes.count {
      #expect(throws: Malformed.self) {
        try DNSMessage(parsing: bytes.span.extracting(first: length))
      }
    }
  }

  @Test("survives any one byte being any other")
  func mutated() throws {
    let bytes = try everything().encoded()
    for index in bytes.indices {
      for value: UInt8 in [0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF] {
        var copy = bytes
        copy[index] = value
        guard let message = try? DNSMessage(parsing: copy.span) else { continue }
        #expect(try DNSMessage(parsing: message.encoded().span) == message)
      }
    }
  }

  @Test("reads a server's own answer, compressed")
  func captured() throws {
    // id 1, response, one question and one answer: example. A 60 192.0.2.7, its name a pointer.
    let bytes: [UInt8] = [
      0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0,
      7, 0x65, 0x78, 0x61, 0x6D, 0x70, 0x6C, 0x65, 0, 0, 1, 0, 1,
      0xC0, 12, 0, 1, 0, 1, 0x80, 0, 0, 60, 0, 4, 192, 0, 2, 7,
    ]
    let message = try DNSMessage(parsing: bytes.span)
    #expect(message.answers.map(\.name) == [try #require(DomainName("example"))])
    #expect(message.answers.first?.content == .address(try IPAddress(parsing: "192.0.2.7")))
    // RFC 2181 §8 (test): a lifetime with its first bit set is none.
    #expect(message.answers.first?.timeToLive == 0)
  }

  @Test("is refused with two words about extensions, or one that is not the root's")
  func extensions() throws {
    let option: [UInt8] = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]
    let header: [UInt8] = [0, 1, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0]
    #expect(try DNSMessage(parsing: (header + [1] + option).span).extensions?.payloadSize == 1_232)
    #expect(throws: Malformed.tooMany) {
      try DNSMessage(parsing: (header + [2] + option + option).span)
    }
    #expect(throws: Malformed.badValue) {
      try DNSMessage(parsing: (header + [1, 1, 0x61] + option).span)
    }
  }

  @Test("is refused where a record's data is shorter or longer than its type has")
  func wrongLengths() throws {
    let message = try everything()
    for record in message.answers where record.recordClass == 1 && record.type.rawValue != 999 {
      for change: Int in [-1, 1] {
        var one = DNSMessage(identifier: 1, message.questions[0])
        one.answers = [record]
        var bytes = one.encoded()
        let start = 12 + 17 + 4 + record.name.wire.count + 8
        let length = Int(bytes[start]) << 8 | Int(bytes[start + 1])
        // Texts have no length of their own, and may have one more or fewer.
        guard bytes.count == start + 2 + length, record.type != .txt else { continue }
        if change > 0 { bytes.append(0) } else { bytes.removeLast() }
        bytes[start] = UInt8((length + change) >> 8)
        bytes[start + 1] = UInt8((length + change) & 0xFF)
        #expect(throws: Malformed.self, "\(record)") { try DNSMessage(parsing: bytes.span) }
      }
    }
  }
}
