import Addresses
import Packets
import Testing

@Suite("Cutting super-segments")
struct SegmenterTests {
  /// Pulls everything out of a segmenter.
  func pieces(_ packet: consuming Packet, networkHeader: Int = 0) -> [[UInt8]] {
    var pool = PacketPool()
    var segmenter = Segmenter(packet, networkHeader: networkHeader)
    var result: [[UInt8]] = []
    while let piece = segmenter.next(from: &pool) {
      result.append(piece.array)
      pool.recycle(piece)
    }
    return result
  }

  func superSegment(
    _ bytes: [UInt8], _ kind: Offload.Segmentation, start: Int, size: Int
  ) -> Packet {
    var packet = Sample.packet(bytes)
    packet.offload.segmentation = kind
    packet.offload.segmentSize = UInt16(size)
    packet.offload.needsChecksum = true
    packet.offload.checksumStart = UInt16(start)
    packet.offload.checksumOffset = kind == .udp ? 6 : 16
    return packet
  }

  /// Whether the transport checksum of an IP packet is right, summed byte by byte.
  func hasRightChecksum(_ packet: [UInt8], transport: Int, kind: UInt8) -> Bool {
    let addresses = packet[0] >> 4 == 4 ? packet[12..<20] : packet[8..<40]
    let segment = packet[transport...]
    let length = UInt16(segment.count)
    let pseudo = [0, kind, UInt8(length >> 8), UInt8(length & 255)]
    return referenceChecksum(Array(addresses) + pseudo + Array(segment)) == 0
  }

  @Test(
    "TCP pieces carry every octet once, in order, with headers of their own",
    arguments: 0..<60 as Range<UInt64>)
  func tcp(seed: UInt64) throws {
    var numbers = Numbers(seed: seed)
    let payload = numbers.bytes(1 + numbers.below(20_000))
    let size = 100 + numbers.below(1_400)
    var options = TCPOptions()
    options.timestamp = numbers.below(2) == 0 ? .init(value: 1, echo: 2) : nil
    let flags: TCPFlags = [.ack, .psh, .fin, .cwr]
    let segment = Sample.tcp(flags: flags, options: options, payload)
    let isIPv4 = numbers.below(2) == 0
    let whole = isIPv4 ? Sample.ipv4(.tcp, segment) : Sample.ipv6(.tcp, segment)
    let frame = numbers.below(2) == 0 ? 14 : 0
    let start = (isIPv4 ? 20 : 40) + frame
    let link = [UInt8](repeating: 0xEE, count: frame)
    let found = pieces(
      superSegment(link + whole, isIPv4 ? .tcp4 : .tcp6, start: start, size: size),
      networkHeader: frame)

    var received: [UInt8] = []
    for (index, piece) in found.enumerated() {
      #expect(Array(piece[..<frame]) == link)
      let packet = Array(piece[frame...])
      let transport = start - frame
      if isIPv4 {
        let header = try IPv4Header(parsing: packet.span)
        #expect(header.totalLength == packet.count)
        #expect(header.identification == UInt16(index) || found.count == 1)
      } else {
        #expect(try IPv6Header(parsing: packet.span).totalLength == packet.count)
      }
      #expect(hasRightChecksum(packet, transport: transport, kind: 6) || found.count == 1)
      let cut = Array(packet[transport...])
      let header = try TCPHeader(parsing: cut.span)
      #expect(header.sequenceNumber.rawValue == 123 + UInt32(received.count))
      let isLast = index == found.count - 1
      #expect(header.flags.contains(.fin) == isLast)
      #expect(header.flags.contains(.psh) == isLast)
      #expect(header.flags.contains(.cwr) == (index == 0))
      #expect(header.flags.contains(.ack))
      #expect(TCPOptions(in: cut.span, header: header).timestamp == options.timestamp)
      #expect(cut.count - header.dataOffset == size || isLast)
      received += cut[header.dataOffset...]
    }
    #expect(received == payload)
    #expect(found.count == (payload.count + size - 1) / size)
  }

  @Test("UDP pieces are datagrams of their own", arguments: [true, false])
  func udp(isIPv4: Bool) throws {
    let payload = (0..<5_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let source: IPAddress = isIPv4 ? .v4(Sample.client4) : .v6(Sample.client6)
    let destination: IPAddress = isIPv4 ? .v4(Sample.server4) : .v6(Sample.server6)
    let datagram = Sample.udp(payload, source: source, destination: destination)
    let whole = isIPv4 ? Sample.ipv4(.udp, datagram) : Sample.ipv6(.udp, datagram)
    let start = isIPv4 ? 20 : 40
    let found = pieces(superSegment(whole, .udp, start: start, size: 1_200))
    #expect(found.count == 5)
    var received: [UInt8] = []
    for piece in found {
      let cut = Array(piece[start...])
      let header = try UDPHeader(parsing: cut.span)
      #expect(header.length == cut.count)
      #expect(hasRightChecksum(piece, transport: start, kind: 17))
      received += cut[8...]
    }
    #expect(received == payload)
  }

  @Test("a packet that is no super-segment comes out as it went in, with its checksum")
  func plain() {
    let right = Sample.ipv4(.tcp, Sample.tcp([1, 2, 3]))
    #expect(pieces(Sample.packet(right)) == [right])
    var packet = superSegment(right, .tcp4, start: 20, size: 1_000)
    let partial = InternetChecksum.pseudoHeader(
      source: Sample.client4, destination: Sample.server4, protocol: .tcp, length: 23
    ).partial
    var bytes = packet.mutableBytes
    bytes.store(partial, at: 36)
    #expect(pieces(packet) == [right])
  }

  @Test("a checksum place inside of the payload is not believed for a single piece either")
  func checksumPlace() {
    let right = Sample.ipv4(.tcp, Sample.tcp([UInt8](repeating: 5, count: 60)))
    var packet = superSegment(right, .tcp4, start: 50, size: 1_000)
    var bytes = packet.mutableBytes
    bytes.store(0 as UInt16, at: 36)
    #expect(pieces(packet) == [right])
  }

  @Test("facts that contradict the headers make nothing come out")
  func contradictions() {
    let right = Sample.ipv4(.tcp, Sample.tcp([1, 2, 3]))
    #expect(pieces(superSegment(right, .tcp6, start: 20, size: 1)).isEmpty)
    #expect(pieces(superSegment(right, .udp, start: 20, size: 1)).isEmpty)
    #expect(pieces(superSegment(right, .tcp4, start: 20, size: 0)).isEmpty)
    #expect(pieces(superSegment(right, .tcp4, start: 20, size: 1), networkHeader: 14).isEmpty)
    #expect(pieces(superSegment([], .tcp4, start: 20, size: 1)).isEmpty)
    for length in 0..<right.count {
      let cut = Array(right[..<length])
      #expect(pieces(superSegment(cut, .tcp4, start: 20, size: 1)).isEmpty)
    }
    #expect(pieces(superSegment(right, .tcp4, start: 20, size: 1)).count == 3)
  }

  @Test("the memory of pieces goes round, and what a pool keeps is bounded")
  func pool() {
    var pool = PacketPool(standardLimit: 2, jumboLimit: 1)
    for _ in 0..<10 {
      let small = pool.take()
      let large = pool.take(capacity: 60_000)
      #expect(small.capacity == PacketPool.standardCapacity)
      #expect(large.capacity == PacketPool.jumboCapacity)
      #expect(small.isEmpty && small.headroom == Packet.defaultHeadroom)
      pool.recycle(small)
      pool.recycle(large)
    }
    #expect(pool.allocations == 2)
    let first = pool.take()
    let second = pool.take()
    let third = pool.take()
    pool.recycle(first)
    pool.recycle(second)
    pool.recycle(third)
    #expect(pool.standardCount == 2)
    let giant = pool.take(capacity: 100_000)
    #expect(giant.capacity == 100_000)
    pool.recycle(giant)
    #expect(pool.jumboCount == 1)
  }

  @Test("a pool's list grows to its limit and gives packets out clean")
  func poolGrowth() {
    var pool = PacketPool(standardLimit: 100, jumboLimit: 0)
    var held = PacketPool(standardLimit: 200, jumboLimit: 0)
    for index in 0..<150 {
      var packet = pool.take(headroom: 10)
      _ = packet.append([UInt8](repeating: UInt8(index), count: 100).span)
      packet.offload.needsChecksum = true
      held.recycle(packet)
    }
    #expect(held.standardCount == 150)
    for _ in 0..<150 { pool.recycle(held.take()) }
    #expect(pool.standardCount == 100)
    for _ in 0..<100 {
      let packet = pool.take(headroom: 64)
      let isClean = packet.isEmpty && packet.headroom == 64 && packet.offload == Offload()
      #expect(isClean)
    }
    #expect(pool.allocations == 150)
  }
}
