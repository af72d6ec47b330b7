import Addresses
import Packets
import Testing

@Suite("UDP header")
struct UDPTests {
  static let pairs: [(IPAddress, IPAddress)] = [
    (.v4(Sample.client4), .v4(Sample.server4)), (.v6(Sample.client6), .v6(Sample.server6)),
  ]

  func isValid(_ bytes: [UInt8], _ source: IPAddress, _ destination: IPAddress) -> Bool {
    guard let header = try? UDPHeader(parsing: bytes.span) else { return false }
    return header.hasValidChecksum(in: bytes.span, source: source, destination: destination)
  }

  @Test("a datagram reads back with a right checksum, at every length", arguments: pairs)
  func roundTrip(source: IPAddress, destination: IPAddress) throws {
    for length in 0..<70 {
      let bytes = Sample.udp(
        [UInt8](repeating: 0xE7, count: length), source: source, destination: destination)
      let header = try UDPHeader(parsing: bytes.span)
      #expect(header.payloadLength == length)
      #expect(header.sourcePort == 53 && header.destinationPort == 4_000)
      #expect(isValid(bytes, source, destination))
      #expect(written(8) { header.write(into: &$0) } == Array(bytes[..<8]))
      guard length > 0 else { continue }
      var wrong = bytes
      wrong[8] ^= 0x10
      #expect(!isValid(wrong, source, destination))
    }
  }

  @Test("UDP-1: lengths of 0 to 7 and beyond the packet are refused, and every cut")
  func lengths() {
    for count in 0..<40 {
      for length in 0..<48 {
        var bytes = [UInt8](repeating: 0, count: count)
        if count > 5 { bytes[5] = UInt8(length) }
        let expected: Malformed? =
          count < 8 ? .truncated : length < 8 || length > count ? .badLength : nil
        #expect(refusal { _ = try UDPHeader(parsing: bytes.span) } == expected)
      }
    }
  }

  @Test("UDP-2: what lies behind the length is not the datagram's, nor its checksum's")
  func surplus() throws {
    for (source, destination) in Self.pairs {
      let bytes = Sample.udp([1, 2, 3], source: source, destination: destination)
      let longer = bytes + [9, 9, 9, 9, 9]
      let header = try UDPHeader(parsing: longer.span)
      #expect(header.payloadLength == 3)
      #expect(isValid(longer, source, destination))
    }
  }

  @Test("UDP-3: no checksum is fine on IPv4 and wrong on IPv6")
  func noChecksum() {
    for (source, destination) in Self.pairs {
      var bytes = Sample.udp([1, 2, 3], source: source, destination: destination)
      bytes[6] = 0
      bytes[7] = 0
      #expect(isValid(bytes, source, destination) == source.isIPv4)
    }
  }

  @Test("UDP-3: a sum that comes out as zero is sent as all ones")
  func zeroSum() {
    let (source, destination) = Self.pairs[1]
    let first = Sample.udp([0, 0], source: source, destination: destination)
    // The checksum as data makes everything add up to all ones, whose complement is zero.
    let bytes = Sample.udp([first[6], first[7]], source: source, destination: destination)
    #expect(bytes[6] == 0xFF && bytes[7] == 0xFF)
    #expect(isValid(bytes, source, destination))
  }
}
