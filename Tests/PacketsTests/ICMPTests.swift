import Addresses
import Packets
import Testing

@Suite("ICMP and ICMPv6")
struct ICMPTests {
  static let messages4: [ICMPv4Message] = [
    .echoRequest(identifier: 7, sequence: 65_535), .echoReply(identifier: 65_535, sequence: 1),
    .destinationUnreachable(.port, nextHopMTU: 0),
    .destinationUnreachable(.fragmentationNeeded, nextHopMTU: 1_400),
    .redirect(code: 1, gateway: Sample.server4), .timeExceeded(code: 1),
    .parameterProblem(code: 0, pointer: 20), .other(type: 13, code: 0, word: 0xFFFF_FFFF),
    .other(type: 8, code: 1, word: 5),
  ]
  static let messages6: [ICMPv6Message] = [
    .echoRequest(identifier: 7, sequence: 65_535), .echoReply(identifier: 65_535, sequence: 1),
    .destinationUnreachable(.port), .packetTooBig(mtu: 0xFFFF_FFFF), .timeExceeded(code: 1),
    .parameterProblem(code: 2, pointer: 42), .other(type: 200, code: 3, word: 0xFFFF_FFFF),
  ]

  func written6(_ message: ICMPv6Message, _ data: [UInt8]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xAA, count: 8) + data
    var span = bytes.mutableSpan
    message.write(into: &span, source: Sample.client6, destination: Sample.server6)
    return bytes
  }

  func parsed6(_ bytes: [UInt8]) throws(Malformed) -> ICMPv6Message {
    try ICMPv6Message(
      parsing: bytes.span, source: Sample.client6, destination: Sample.server6)
  }

  @Test("ICMP messages read back as they were written", arguments: messages4)
  func roundTrip4(message: ICMPv4Message) throws {
    for length in [0, 1, 2, 57] {
      var bytes = [UInt8](repeating: 0x5A, count: 8 + length)
      var span = bytes.mutableSpan
      message.write(into: &span)
      #expect(try ICMPv4Message(parsing: bytes.span) == message)
      #expect(referenceChecksum(bytes) == 0)
      bytes[4] ^= 1
      #expect(refusal { _ = try ICMPv4Message(parsing: bytes.span) } == .badChecksum)
    }
  }

  @Test("ICMPv6 messages read back as they were written", arguments: messages6)
  func roundTrip6(message: ICMPv6Message) throws {
    for length in [0, 1, 2, 57] {
      var bytes = written6(message, [UInt8](repeating: 0x5A, count: length))
      #expect(try parsed6(bytes) == message)
      bytes[4] ^= 1
      #expect(refusal { _ = try parsed6(bytes) } == .badChecksum)
    }
  }

  @Test("which messages are errors, and so never answered with one")
  func errors() {
    #expect(
      Self.messages4.map(\.isError) == [false, false, true, true, true, true, true, false, false])
    #expect(ICMPv4Message.other(type: 4, code: 0, word: 0).isError)
    #expect(Self.messages6.map(\.isError) == [false, false, true, true, true, true, false])
    #expect(ICMPv6Message.other(type: 127, code: 0, word: 0).isError)
    #expect(!ICMPv6Message.other(type: 128, code: 9, word: 0).isError)
  }

  @Test("ICMP-8, IP6-13: messages shorter than eight bytes are refused, echoes too")
  func cuts() {
    var span4 = [UInt8](repeating: 0, count: 8)
    var mutable = span4.mutableSpan
    ICMPv4Message.echoRequest(identifier: 0, sequence: 0).write(into: &mutable)
    let six = written6(.echoReply(identifier: 0, sequence: 0), [])
    for length in 0..<8 {
      let cut4 = Array(span4[..<length])
      let cut6 = Array(six[..<length])
      #expect(refusal { _ = try ICMPv4Message(parsing: cut4.span) } == .truncated)
      #expect(refusal { _ = try parsed6(cut6) } == .truncated)
    }
  }

  @Test("ICMP-8: an error that quotes nothing names no flow")
  func emptyQuote() {
    let none: [UInt8] = []
    #expect(refusal { _ = try QuotedFlow(parsingIPv4: none.span) } == .truncated)
    #expect(refusal { _ = try QuotedFlow(parsingIPv6: none.span) } == .truncated)
  }

  @Test("IP4-10: a quoted packet is believed with its whole header and eight bytes, or not at all")
  func quote4() throws {
    for words in 5...15 {
      let options = [UInt8](repeating: 1, count: (words - 5) * 4)
      let packet = Sample.ipv4(.tcp, options: options, Sample.tcp())
      for length in 0...packet.count {
        let cut = Array(packet[..<length])
        guard length >= words * 4 + 8 else {
          #expect(refusal { _ = try QuotedFlow(parsingIPv4: cut.span) } == .truncated)
          continue
        }
        let flow = try QuotedFlow(parsingIPv4: cut.span)
        #expect(flow.source == .v4(Sample.client4))
        #expect(flow.destination == .v4(Sample.server4))
        #expect(flow.protocol == .tcp)
        #expect(flow.sourcePort == 43_210)
        #expect(flow.destinationPort == 80)
        #expect(flow.sequenceNumber == SequenceNumber(rawValue: 123))
        #expect(flow.echo == nil)
        #expect(flow.totalLength == packet.count)
      }
    }
  }

  @Test("IP4-10: quotes of later fragments, short lengths and other versions name no flow")
  func badQuote4() {
    let packet = Sample.ipv4(.tcp, Sample.tcp())
    let changes: [(Int, UInt8, Malformed)] = [
      (7, 1, .badFragment), (6, 0x20, .badFragment), (0, 0x44, .badHeaderLength),
      (0, 0x65, .badVersion), (3, 27, .badLength), (0, 0x4F, .truncated),
    ]
    for (index, value, reason) in changes {
      var wrong = packet
      wrong[index] = value
      // More fragments to come is fine as long as this is the first.
      let expected: Malformed? = index == 6 ? nil : reason
      #expect(refusal { _ = try QuotedFlow(parsingIPv4: wrong.span) } == expected)
    }
  }

  @Test("IP6-12: ICMPv6 errors of 1 to 47 bytes and every other cut name no flow")
  func quote6() throws {
    let tcp = Sample.tcp()
    for (next, chain) in [
      (IPProtocol.tcp, []), (.destinationOptions, [6, 0, 1, 4, 0, 0, 0, 0] as [UInt8]),
    ] {
      let packet = Sample.ipv6(next, chain + tcp)
      for length in 0...packet.count {
        let cut = Array(packet[..<length])
        let message = written6(.packetTooBig(mtu: 1_280), cut)
        #expect(try parsed6(message) == .packetTooBig(mtu: 1_280))
        let quoted = Array(message[8...])
        guard length >= 48 + chain.count else {
          #expect(refusal { _ = try QuotedFlow(parsingIPv6: quoted.span) } == .truncated)
          continue
        }
        let flow = try QuotedFlow(parsingIPv6: quoted.span)
        #expect(flow.source == .v6(Sample.client6))
        #expect(flow.sourcePort == 43_210)
        #expect(flow.sequenceNumber?.rawValue == 123)
      }
    }
  }

  @Test("quoted extension headers are followed no further than eight, fragments not at all")
  func quoteChain6() {
    let option: [UInt8] = [60, 0, 1, 4, 0, 0, 0, 0]
    let endless = Sample.ipv6(.destinationOptions, (0..<20).flatMap { _ in option })
    #expect(refusal { _ = try QuotedFlow(parsingIPv6: endless.span) } == .tooMany)
    let fragment = Sample.ipv6(.fragment, [6, 0, 0, 9, 0, 0, 0, 1] + Sample.tcp())
    #expect(refusal { _ = try QuotedFlow(parsingIPv6: fragment.span) } == .badFragment)
    let first = Sample.ipv6(.fragment, [6, 0, 0, 1, 0, 0, 0, 1] + Sample.tcp())
    #expect(refusal { _ = try QuotedFlow(parsingIPv6: first.span) } == nil)
  }

  @Test("a quoted echo request says whose it was")
  func quotedEcho() throws {
    var echo = [UInt8](repeating: 0, count: 8)
    var span = echo.mutableSpan
    ICMPv4Message.echoRequest(identifier: 513, sequence: 7).write(into: &span)
    let packet = Sample.ipv4(.icmpv4, echo)
    let flow = try QuotedFlow(parsingIPv4: packet.span)
    #expect(flow.echo?.identifier == 513)
    #expect(flow.echo?.sequence == 7)
    #expect(flow.sequenceNumber == nil)
  }
}
