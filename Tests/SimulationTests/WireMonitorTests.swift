import Addresses
import Packets
import Simulation
import Testing

/// The bystander is shown each breach it is there to see, made by hand.
@Suite struct WireMonitorTests {
  /// Two ends of a made-up connection, as a monitor sees them.
  private struct Conversation {
    var monitor = WireMonitor()
    var now = Instant.zero
    private let client = IPv4Address(192, 0, 2, 1)
    private let server = IPv4Address(192, 0, 2, 2)

    /// What one end says, and the other hears.
    mutating func client(
      _ flags: TCPFlags, _ sequence: UInt32, ack: UInt32 = 0, window: UInt16 = 10_000,
      payload: Int = 0, options: TCPOptions = TCPOptions(), damage: Int? = nil, mtu: Int = 1_500
    ) {
      say(
        from: client, 1_000, to: server, 80, flags, sequence, ack, window, payload, options,
        damage, mtu)
    }

    mutating func server(
      _ flags: TCPFlags, _ sequence: UInt32, ack: UInt32 = 0, window: UInt16 = 10_000,
      payload: Int = 0, options: TCPOptions = TCPOptions()
    ) {
      say(
        from: server, 80, to: client, 1_000, flags, sequence, ack, window, payload, options, nil,
        1_500)
    }

    private mutating func say(
      from source: IPv4Address, _ sourcePort: UInt16, to destination: IPv4Address,
      _ destinationPort: UInt16, _ flags: TCPFlags, _ sequence: UInt32, _ ack: UInt32,
      _ window: UInt16, _ payload: Int, _ options: TCPOptions, _ damage: Int?, _ mtu: Int
    ) {
      now = now + .milliseconds(1)
      let length = TCPHeader.size + options.size + payload
      var packet = Packet(capacity: 4_096, headroom: 0)
      guard packet.extend(IPv4Header.size + length) else { return }
      var bytes = packet.mutableBytes
      for index in 0..<bytes.count { bytes.store(0 as UInt8, at: index) }
      IPv4Header(
        source: source, destination: destination, protocol: .tcp, payloadLength: length
      ).write(into: &bytes)
      TCPHeader(
        sourcePort: PortNumber(rawValue: sourcePort),
        destinationPort: PortNumber(rawValue: destinationPort),
        sequenceNumber: SequenceNumber(rawValue: sequence),
        acknowledgmentNumber: SequenceNumber(rawValue: ack),
        dataOffset: TCPHeader.size + options.size, flags: flags, window: window
      ).write(into: &bytes, at: 20)
      options.write(into: &bytes, at: 40)
      var sum = InternetChecksum.pseudoHeader(
        source: .v4(source), destination: .v4(destination), protocol: .tcp, length: length)
      sum.add(bytes.span.slice(from: 20))
      bytes.store(sum.value, at: 36)
      if let damage { bytes.store(bytes.span.uint8(at: damage) ^ 1, at: damage) }
      monitor.sent(packet, linkHeader: 0, mtu: mtu, at: now)
      monitor.delivered(packet, linkHeader: 0)
    }

    /// A handshake: client data begin at 101, server data at 501.
    mutating func open(maximumSegmentSize: UInt16 = 1_460, timestamps: Bool = false) {
      var options = TCPOptions()
      options.maximumSegmentSize = maximumSegmentSize
      options.sackPermitted = true
      if timestamps { options.timestamp = .init(value: 1, echo: 0) }
      client(.syn, 100, options: options)
      server([.syn, .ack], 500, ack: 101, options: options)
      var third = TCPOptions()
      if timestamps { third.timestamp = .init(value: 2, echo: 1) }
      client(.ack, 101, ack: 501, options: third)
    }

    var rules: [WireMonitor.Rule] { monitor.violations.map(\.rule) }
  }

  private func breaches(
    timestamps: Bool = false, _ body: (inout Conversation) -> Void
  ) -> [WireMonitor.Rule] {
    var conversation = Conversation()
    conversation.open(timestamps: timestamps)
    body(&conversation)
    return conversation.rules
  }

  @Test("A well-behaved connection is not blamed")
  func innocent() {
    let rules = breaches {
      $0.client(.ack, 101, ack: 501, payload: 1_000)
      $0.server(.ack, 501, ack: 1_101, window: 9_000)
      $0.client([.ack, .fin], 1_101, ack: 501)
      $0.server([.ack, .fin], 501, ack: 1_102, window: 9_000)
      $0.client(.ack, 1_102, ack: 502)
    }
    #expect(rules == [])
  }

  @Test("S5: data beyond the offered window is seen; one octet of probe is not blamed")
  func beyondWindow() {
    func send(_ octets: Int) -> [WireMonitor.Rule] {
      breaches {
        for start in stride(from: 0, to: octets, by: 1_000) {
          $0.client(
            .ack, 101 + UInt32(start), ack: 501, payload: min(1_000, octets - start))
        }
      }
    }
    #expect(send(10_000) == [])
    #expect(send(10_001) == [])
    #expect(send(10_002) == [.beyondWindow])
  }

  @Test("S5: a window counts only once its offer was heard")
  func acknowledgementsGoForward() {
    let rules = breaches {
      $0.client(.ack, 101, ack: 501, payload: 1_000)
      $0.server(.ack, 501, ack: 1_101, window: 9_000)
      $0.server(.ack, 501, ack: 101)
    }
    #expect(rules == [.acknowledgementWentBack])
  }

  @Test("S5: an acknowledgement of what was never sent is seen")
  func acknowledgedUnsent() {
    #expect(breaches { $0.server(.ack, 501, ack: 102) } == [.acknowledgedUnsent])
  }

  @Test("S5: a window that shrinks is seen")
  func windowShrank() {
    #expect(breaches { $0.server(.ack, 501, ack: 101, window: 9_999) } == [.windowShrank])
  }

  @Test("S5: a segment above the peer's maximum is seen, options counted")
  func segmentTooLarge() {
    #expect(breaches { $0.client(.ack, 101, ack: 501, payload: 1_460) } == [])
    #expect(
      breaches { $0.client(.ack, 101, ack: 501, payload: 1_461, mtu: 4_000) }
        == [.segmentTooLarge])
  }

  @Test("S5: a packet above the link's limit is seen")
  func oversized() {
    #expect(
      breaches { $0.client(.ack, 101, ack: 501, payload: 1_000, mtu: 1_039) } == [.oversized])
  }

  @Test("S5: data behind the FIN is seen")
  func dataAfterFIN() {
    let rules = breaches {
      $0.client([.ack, .fin], 101, ack: 501)
      $0.client(.ack, 102, ack: 501, payload: 10)
    }
    #expect(rules == [.dataAfterFIN])
  }

  @Test("S5: timestamps that are missing or go back are seen")
  func timestamps() {
    var options = TCPOptions()
    options.timestamp = .init(value: 9, echo: 1)
    var earlier = options
    earlier.timestamp = .init(value: 8, echo: 1)
    let rules = breaches(timestamps: true) {
      $0.client(.ack, 101, ack: 501, payload: 1, options: options)
      $0.client(.ack, 102, ack: 501, payload: 1, options: earlier)
      $0.client(.ack, 103, ack: 501, payload: 1)
    }
    #expect(rules == [.timestampWentBack, .timestampMissing])
  }

  @Test("S5: a selective acknowledgement of what was not sent is seen")
  func badSACK() {
    var options = TCPOptions()
    options.sackBlocks.append(
      SACKBlock(
        left: SequenceNumber(rawValue: 200), right: SequenceNumber(rawValue: 300)))
    let sack = options
    #expect(
      breaches { $0.server(.ack, 501, ack: 101, options: sack) } == [.badSACK])
  }

  @Test("S5: a wrong checksum is seen, in the IP header and behind it", arguments: [8, 12, 30, 41])
  func checksums(offset: Int) {
    let rules = breaches { $0.client(.ack, 101, ack: 501, payload: 10, damage: offset) }
    #expect(rules == [.malformed])
  }

  @Test("S5: the same words over and over are a storm")
  func storm() {
    let rules = breaches {
      for _ in 0..<1_100 { $0.server(.ack, 501, ack: 101) }
    }
    #expect(rules.first == .storm)
  }

  @Test("A breach prints as a sentence with its time and both ends")
  func sentence() {
    var conversation = Conversation()
    conversation.open()
    conversation.server(.ack, 501, ack: 102)
    #expect(
      conversation.monitor.violations.first?.description
        == "4000000 ns, 192.0.2.2 port 80 to 192.0.2.1 port 1000: an acknowledgement of what was "
        + "never sent (by 1 octets)")
  }
}
