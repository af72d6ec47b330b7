/// Cuts a super-segment into the packets it stands for, as a link with segmentation offload would:
/// pieces of ``Offload/segmentSize`` bytes of payload, each with its own headers.
///
/// The pieces are pulled one at a time, so that a full link leaves the rest where it is. Every
/// piece has the headers of the whole with these changes:
///
/// - IPv4: total length, identification counted up, header checksum; IPv6: payload length
/// - TCP: sequence number; FIN and PSH only on the last, CWR only on the first; checksum
/// - UDP: length and checksum
///
/// A packet that is no super-segment, or no longer than one piece, comes out whole, with its
/// checksum completed. One whose headers contradict its offload facts comes out not at all.
public struct Segmenter: ~Copyable {
  private var source: Packet?
  private let layout: Layout?
  /// How many bytes of payload were cut off so far.
  private var position = 0
  private var index: UInt16 = 0

  /// Where things lie in the super-segment.
  private struct Layout {
    var network: Int
    var transport: Int
    var payload: Int
    var end: Int
    var segmentSize: Int
    var isIPv4: Bool
    var isTCP: Bool
    var hasChecksum: Bool
  }

  /// - Parameters:
  ///   - packet: the super-segment.
  ///   - networkHeader: where its IP header begins: 0, or 14 behind an Ethernet header.
  public init(_ packet: consuming Packet, networkHeader: Int = 0) {
    layout = Self.layout(of: packet, networkHeader: networkHeader)
    if let layout {
      packet.truncate(to: layout.end)
      source = consume packet
    } else if packet.offload.segmentation == .none {
      source = consume packet
    } else {
      source = nil
    }
  }

  /// Whether there is nothing left to pull.
  public var isEmpty: Bool { source == nil }

  /// The next piece; nothing at the end. The super-segment itself goes back to the pool with the
  /// last piece.
  ///
  /// - Parameter pool: where the pieces' memory comes from.
  public mutating func next(from pool: inout PacketPool) -> Packet? {
    guard var whole = source.take() else { return nil }
    guard let layout else {
      whole.completeChecksum()
      return whole
    }
    guard layout.end &- layout.payload > layout.segmentSize else {
      // Where the checksum lies is known from the headers; the offload facts may be wrong.
      if whole.offload.needsChecksum { write(into: &whole, layout, isLast: true) }
      whole.offload = Offload()
      return whole
    }
    let left = layout.end &- layout.payload &- position
    let length = left < layout.segmentSize ? left : layout.segmentSize
    let isLast = length == left
    var piece = pool.take(capacity: Packet.defaultHeadroom &+ layout.payload &+ length)
    guard piece.append(whole.bytes.slice(from: 0, length: layout.payload)),
      piece.append(whole.bytes.slice(from: layout.payload &+ position, length: length))
    else { return nil }
    write(into: &piece, layout, isLast: isLast)
    piece.offload.checksumIsValid = true
    position &+= length
    index &+= 1
    if isLast { pool.recycle(whole) } else { source = consume whole }
    return piece
  }

  private func write(into piece: inout Packet, _ layout: Layout, isLast: Bool) {
    let total = piece.count
    var bytes = piece.mutableBytes
    if layout.isIPv4 {
      let identification = bytes.span.uint16(at: layout.network &+ 4)
      bytes.store(
        UInt16(truncatingIfNeeded: total &- layout.network), at: layout.network &+ 2)
      bytes.store(identification &+ index, at: layout.network &+ 4)
      bytes.store(0 as UInt16, at: layout.network &+ 10)
      let length = Int(bytes.span.uint8(at: layout.network) & 15) &* 4
      var sum = InternetChecksum()
      sum.add(bytes.span.slice(from: layout.network, length: length))
      bytes.store(sum.value, at: layout.network &+ 10)
    } else {
      bytes.store(
        UInt16(truncatingIfNeeded: total &- layout.network &- IPv6Header.size),
        at: layout.network &+ 4)
    }
    if layout.isTCP {
      let sequence = bytes.span.uint32(at: layout.transport &+ 4)
      bytes.store(
        sequence &+ UInt32(truncatingIfNeeded: position), at: layout.transport &+ 4)
      var flags = TCPFlags(rawValue: bytes.span.uint16(at: layout.transport &+ 12))
      if !isLast { flags.rawValue &= ~(TCPFlags.fin.rawValue | TCPFlags.psh.rawValue) }
      if position > 0 { flags.rawValue &= ~TCPFlags.cwr.rawValue }
      bytes.store(flags.rawValue, at: layout.transport &+ 12)
    } else {
      bytes.store(
        UInt16(truncatingIfNeeded: total &- layout.transport), at: layout.transport &+ 4)
    }
    guard layout.hasChecksum else { return }
    let field = layout.transport &+ (layout.isTCP ? 16 : 6)
    bytes.store(0 as UInt16, at: field)
    var sum = Self.pseudoHeader(bytes.span, layout, length: total &- layout.transport)
    sum.add(bytes.span.slice(from: layout.transport))
    bytes.store(layout.isTCP ? sum.value : sum.valueForUDP, at: field)
  }

  private static func pseudoHeader(
    _ bytes: Span<UInt8>, _ layout: Layout, length: Int
  ) -> InternetChecksum {
    let kind: IPProtocol = layout.isTCP ? .tcp : .udp
    if layout.isIPv4 {
      return .pseudoHeader(
        source: bytes.ipv4Address(at: layout.network &+ 12),
        destination: bytes.ipv4Address(at: layout.network &+ 16), protocol: kind, length: length)
    }
    return .pseudoHeader(
      source: bytes.ipv6Address(at: layout.network &+ 8),
      destination: bytes.ipv6Address(at: layout.network &+ 24), protocol: kind, length: length)
  }

  /// Checks everything that the cutting relies on.
  private static func layout(of packet: borrowing Packet, networkHeader: Int) -> Layout? {
    let offload = packet.offload
    guard offload.segmentation != .none, offload.segmentSize > 0, networkHeader >= 0 else {
      return nil
    }
    let bytes = packet.bytes
    let network = bytes.slice(from: networkHeader)
    let isTCP = offload.segmentation != .udp
    let isIPv4: Bool
    let transport: Int
    let end: Int
    switch network.uint8(at: 0) &>> 4 {
    case 4:
      guard offload.segmentation != .tcp6,
        let header = try? IPv4Header(parsing: network, verifyingChecksum: false),
        header.protocol == (isTCP ? .tcp : .udp), !header.isFragment
      else { return nil }
      isIPv4 = true
      transport = networkHeader &+ header.headerLength
      end = networkHeader &+ header.totalLength
    case 6:
      guard offload.segmentation != .tcp4, let header = try? IPv6Header(parsing: network)
      else { return nil }
      let walk = IPv6ExtensionWalk(network, header: header)
      guard walk.outcome == .payload, walk.protocol == (isTCP ? .tcp : .udp),
        walk.fragment == nil
      else { return nil }
      isIPv4 = false
      transport = networkHeader &+ walk.offset
      end = networkHeader &+ header.totalLength
    default: return nil
    }
    let segment = bytes.slice(from: transport, length: end &- transport)
    var hasChecksum = true
    var headerLength = UDPHeader.size
    if isTCP {
      guard let header = try? TCPHeader(parsing: segment) else { return nil }
      headerLength = header.dataOffset
    } else {
      guard segment.count >= UDPHeader.size else { return nil }
      hasChecksum = offload.needsChecksum || segment.uint16(at: 6) != 0
    }
    return Layout(
      network: networkHeader, transport: transport, payload: transport &+ headerLength, end: end,
      segmentSize: Int(offload.segmentSize), isIPv4: isIPv4, isTCP: isTCP,
      hasChecksum: hasChecksum)
  }
}
