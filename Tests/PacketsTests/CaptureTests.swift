import Addresses
import Packets
import Testing

@Suite("Captures and their printed lines")
struct CaptureTests {
  func records(_ capture: [UInt8]) throws(Malformed) -> [(PcapngReader.Record, [UInt8])] {
    var reader = PcapngReader(capture.span)
    var found: [(PcapngReader.Record, [UInt8])] = []
    while let record = try reader.next() {
      let bytes = reader.bytes(of: record)
      found.append((record, bytes.indices.map { bytes.uint8(at: $0) }))
    }
    return found
  }

  func capture() -> [UInt8] {
    var writer = PcapngWriter(application: "test")
    let plain = writer.addInterface(name: "sock0", linkType: .ip)
    let framed = writer.addInterface(name: "tap0", linkType: .ethernet)
    for length in 0..<9 {
      let packet = [UInt8](repeating: UInt8(length), count: length)
      let time = Instant(nanoseconds: Int64(length) * 5_000_000_001)
      if length % 2 == 0 {
        writer.add(packet.span, interface: plain, at: time)
      } else {
        writer.add(
          packet.span, interface: framed, at: time, direction: .inbound, comment: "odd")
      }
    }
    return writer.take()
  }

  @Test("packets read back with their bytes, times, interfaces and lengths")
  func readBack() throws {
    let found = try records(capture())
    #expect(found.count == 9)
    for (length, (record, bytes)) in found.enumerated() {
      #expect(bytes == [UInt8](repeating: UInt8(length), count: length))
      #expect(record.time.nanoseconds == Int64(length) * 5_000_000_001)
      #expect(record.interface == UInt32(length % 2))
      #expect(record.linkType == (length % 2 == 0 ? 101 : 1))
      #expect(record.originalLength == length)
    }
  }

  @Test("the blocks are laid out as the format asks")
  func layout() {
    var writer = PcapngWriter(application: "ab")
    let section = writer.take()
    #expect(
      section == [
        0x0A, 0x0D, 0x0D, 0x0A, 40, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0, 255, 255, 255,
        255, 255, 255, 255, 255, 4, 0, 2, 0, 0x61, 0x62, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0,
      ])
    _ = writer.addInterface(name: "x", linkType: .ip)
    let interface = writer.take()
    #expect(Array(interface[..<12]) == [1, 0, 0, 0, 40, 0, 0, 0, 101, 0, 0, 0])
    #expect(interface[24..<32] == [9, 0, 1, 0, 9, 0, 0, 0])
  }

  @Test("API-6: every cut of a capture is read to its last whole block")
  func cuts() {
    let whole = capture()
    var last = 0
    for length in 0...whole.count {
      let cut = Array(whole[..<length])
      var reader = PcapngReader(cut.span)
      var count = 0
      do {
        while try reader.next() != nil { count += 1 }
      } catch {
        #expect(error == .truncated)
      }
      #expect(count >= last)
      last = count
    }
    #expect(last == 9)
  }

  @Test(
    "API-6: captures with any bytes changed are read or refused", arguments: 0..<30 as Range<UInt64>
  )
  func mutations(seed: UInt64) {
    var numbers = Numbers(seed: seed)
    let whole = capture()
    var outside = 0
    for _ in 0..<100 {
      var wrong = whole
      for _ in 0...numbers.below(4) {
        wrong[numbers.below(wrong.count)] = UInt8(truncatingIfNeeded: numbers.next())
      }
      var reader = PcapngReader(wrong.span)
      while let record = try? reader.next() {
        if record.offset + record.count > wrong.count { outside += 1 }
        _ = PacketSummary(reader.bytes(of: record), linkType: .ethernet)
      }
    }
    #expect(outside == 0)
  }

  @Test("big-endian captures, other units of time and simple packets are read")
  func foreign() throws {
    let section: [UInt8] = [
      0x0A, 0x0D, 0x0D, 0x0A, 0, 0, 0, 28, 0x1A, 0x2B, 0x3C, 0x4D, 0, 1, 0, 0, 255, 255, 255,
      255, 255, 255, 255, 255, 0, 0, 0, 28,
    ]
    func interface(_ resolution: UInt8) -> [UInt8] {
      [
        0, 0, 0, 1, 0, 0, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, resolution, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 32,
      ]
    }
    func packet(_ number: UInt8) -> [UInt8] {
      [
        0, 0, 0, 6, 0, 0, 0, 36, 0, 0, 0, number, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 2, 0, 0, 0, 9,
        7, 8, 0, 0, 0, 0, 0, 36,
      ]
    }
    let simple: [UInt8] = [0, 0, 0, 3, 0, 0, 0, 20, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 20]
    let units: [(UInt8, Int64)] = [
      (6, 1_024_000), (9, 1_024), (12, 1), (0, 1_024_000_000_000), (0x8A, 1_000_000_000),
      (0x80, 1_024_000_000_000), (127, 0), (255, 0),
    ]
    var whole = section
    for (resolution, _) in units { whole += interface(resolution) }
    for number in units.indices { whole += packet(UInt8(number)) }
    let found = try records(whole + simple)
    #expect(found.map(\.0.time.nanoseconds) == units.map(\.1) + [0])
    #expect(found.dropLast().allSatisfy { $0.1 == [7, 8] && $0.0.originalLength == 9 })
    #expect(found.last?.1 == [1, 2, 3])
    #expect(refusal { _ = try records(section + packet(0)) } == .badValue)
    #expect(refusal { _ = try records(packet(0)) } == .badType)
  }

  @Test("a line per packet")
  func lines() {
    var options = TCPOptions()
    options.maximumSegmentSize = 1_460
    options.sackPermitted = true
    options.windowScale = 7
    let syn = Sample.ipv4(.tcp, Sample.tcp(flags: [.syn], options: options))
    let data = Sample.ipv4(.tcp, Sample.tcp(flags: [.ack, .psh], [1, 2]))
    let udp6 = Sample.ipv6(
      .udp, Sample.udp([1, 2, 3], source: .v6(Sample.client6), destination: .v6(Sample.server6)))
    var fragment = Sample.ipv4(.udp, [UInt8](repeating: 0, count: 16))
    fragment[6] = 0x20
    fragment[7] = 0x02
    let lines: [([UInt8], String)] = [
      (
        syn,
        "10.7.0.1.43210 > 10.7.0.2.80: tcp S 123:123(0) win 64240 <mss 1460,sackOK,wscale 7>"
      ),
      (data, "10.7.0.1.43210 > 10.7.0.2.80: tcp P 123:125(2) ack 456 win 64240"),
      (udp6, "2001:db8::1.53 > 2001:db8::2.4000: udp 3"),
      (fragment, "10.7.0.1 > 10.7.0.2: udp fragment id 0 offset 16+, 16 bytes"),
      ([], "malformed ip (truncated), 0 bytes"),
      ([0x45, 0], "malformed ipv4 (truncated), 2 bytes"),
      (Sample.ipv4(.tcp, [1]), "10.7.0.1 > 10.7.0.2: malformed tcp (truncated), 1 bytes"),
      (Sample.ipv6(.noNextHeader, []), "2001:db8::1 > 2001:db8::2: no next header"),
    ]
    for (bytes, line) in lines { #expect(PacketSummary(bytes.span).description == line) }
    let question = ARPPacket(
      operation: .request, senderHardwareAddress: Sample.clientStation,
      senderProtocolAddress: Sample.client4,
      targetHardwareAddress: EthernetAddress(rawValue: 0), targetProtocolAddress: Sample.server4)
    let header = EthernetHeader(
      destination: .broadcast, source: Sample.clientStation, etherType: .arp)
    let frame = written(42) {
      header.write(into: &$0)
      question.write(into: &$0, at: 14)
    }
    let line = PacketSummary(frame.span, linkType: .ethernet).description
    #expect(line == "arp who-has 10.7.0.2 tell 10.7.0.1")
  }

  @Test("an ICMP error names the flow it is about")
  func errorLine() {
    let quoted = Sample.ipv4(.tcp, Sample.tcp())
    var message = [UInt8](repeating: 0, count: 8) + quoted
    var span = message.mutableSpan
    ICMPv4Message.destinationUnreachable(.fragmentationNeeded, nextHopMTU: 1_400)
      .write(into: &span)
    let packet = Sample.ipv4(.icmpv4, message)
    #expect(
      PacketSummary(packet.span).description
        == "10.7.0.1 > 10.7.0.2: icmp fragmentation needed mtu 1400 for "
        + "10.7.0.1.43210 > 10.7.0.2.80 tcp")
  }

  @Test(
    "API-6: every cut and every mutation of every packet prints", arguments: 0..<20 as Range<UInt64>
  )
  func hostilePrint(seed: UInt64) {
    var numbers = Numbers(seed: seed)
    let advertisement = RouterAdvertisement(routerLifetime: 1)
    let prefix = PrefixInformation(
      prefix: .any, prefixLength: 64, validLifetime: 1, preferredLifetime: 1)
    let router = written(48) {
      advertisement.write(into: &$0)
      prefix.write(into: &$0, at: 16)
    }
    let samples = [
      Sample.ipv4(.tcp, options: [7, 7, 4, 0, 0, 0, 0, 0], Sample.tcp(flags: [.syn])),
      Sample.ipv6(.fragment, [6, 0, 0, 9, 0, 0, 0, 1] + Sample.tcp()),
      Sample.ipv6(.icmpv6, router, source: Sample.router6, hopLimit: 255),
      Sample.ipv4(.icmpv4, [3, 4, 0, 0, 0, 0, 5, 0] + Sample.ipv4(.tcp, Sample.tcp())),
    ]
    var empty = 0
    for sample in samples {
      for length in 0...sample.count {
        var bytes = Array(sample[..<length])
        for _ in 0..<numbers.below(3) where length > 0 {
          bytes[numbers.below(length)] = UInt8(truncatingIfNeeded: numbers.next())
        }
        if PacketSummary(bytes.span).description.isEmpty { empty += 1 }
        if PacketSummary(bytes.span, linkType: .ethernet).description.isEmpty { empty += 1 }
      }
    }
    #expect(empty == 0)
  }
}
