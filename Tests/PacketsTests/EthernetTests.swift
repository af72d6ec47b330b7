import Addresses
import Packets
import Testing

@Suite("Ethernet and ARP")
struct EthernetTests {
  let header = EthernetHeader(
    destination: Sample.serverStation, source: Sample.clientStation, etherType: .ipv4)
  let request = ARPPacket(
    operation: .request, senderHardwareAddress: Sample.clientStation,
    senderProtocolAddress: Sample.client4,
    targetHardwareAddress: EthernetAddress(rawValue: 0), targetProtocolAddress: Sample.server4)

  @Test("an Ethernet header reads back as it was written")
  func roundTrip() throws {
    let bytes = written(EthernetHeader.size) { header.write(into: &$0) }
    #expect(bytes == [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0])
    #expect(try EthernetHeader(parsing: bytes.span) == header)
  }

  @Test("ETH-1: frames of 0 to 13 bytes are refused, one of 14 has an empty payload")
  func runts() {
    let bytes = written(EthernetHeader.size) { header.write(into: &$0) }
    for length in 0..<14 {
      let cut = Array(bytes[..<length])
      #expect(refusal { _ = try EthernetHeader(parsing: cut.span) } == .truncated)
    }
    #expect(refusal { _ = try EthernetHeader(parsing: bytes.span) } == nil)
  }

  @Test("ETH-2: padding behind an IP packet belongs to none of its layers")
  func padding() throws {
    let packet = Sample.ipv4(.tcp, Sample.tcp())
    let padded = packet + [UInt8](repeating: 0x55, count: 18)
    let header = try IPv4Header(parsing: padded.span)
    #expect(header.totalLength == packet.count)
    #expect(header.payloadLength == 20)
    let six = Sample.ipv6(.tcp, Sample.tcp()) + [UInt8](repeating: 0x55, count: 18)
    #expect(try IPv6Header(parsing: six.span).payloadLength == 20)
  }

  @Test("ETH-3: tags, lengths and unknown types are told apart without a look behind them")
  func types() throws {
    for (type, isLength) in [(0x8100, false), (0x05FF, true), (0x0600, false), (0, true)] {
      var tagged = header
      tagged.etherType = EtherType(rawValue: UInt16(type))
      let bytes = written(14) { tagged.write(into: &$0) } + [0x81, 0, 0x81, 0, 0x81, 0]
      let parsed = try EthernetHeader(parsing: bytes.span)
      #expect(parsed.etherType.rawValue == UInt16(type))
      #expect(parsed.etherType.isLength == isLength)
      let summary = PacketSummary(bytes.span, linkType: .ethernet).description
      #expect(summary.contains("ethertype 0x"))
    }
  }

  @Test("an ARP packet reads back as it was written, behind padding too")
  func arpRoundTrip() throws {
    let bytes = written(ARPPacket.size) { request.write(into: &$0) }
    #expect(try ARPPacket(parsing: bytes.span) == request)
    var reply = request
    reply.operation = .reply
    let other = written(46) { reply.write(into: &$0) }
    #expect(try ARPPacket(parsing: other.span) == reply)
  }

  @Test("ARP-1: other hardware, other lengths, other operations and every cut are refused")
  func badARP() {
    let bytes = written(ARPPacket.size) { request.write(into: &$0) }
    for length in 0..<28 {
      let cut = Array(bytes[..<length])
      #expect(refusal { _ = try ARPPacket(parsing: cut.span) } == .truncated)
    }
    let reasons: [Malformed] = [
      .badValue, .badValue, .badValue, .badValue, .badLength, .badLength, .badType, .badType,
    ]
    for index in 0..<8 {
      var wrong = bytes
      wrong[index] ^= 0x40
      #expect(refusal { _ = try ARPPacket(parsing: wrong.span) } == reasons[index])
    }
  }
}
