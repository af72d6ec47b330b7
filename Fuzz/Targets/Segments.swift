import Addresses
import Packets

/// Cuts any bytes under any offload facts. Whatever is cut must make up the payload again, in
/// pieces that parse and whose transport checksums a bytewise sum finds right.
func segmenter(_ input: Span<UInt8>) {
  let facts = input.uint8(at: 0)
  let bytes = input.slice(from: 3)
  var packet = Packet(capacity: bytes.count &+ 64, headroom: 64)
  guard packet.append(bytes) else { return }
  packet.offload.segmentation =
    switch facts & 3 {
    case 0: .none
    case 1: .tcp4
    case 2: .tcp6
    default: .udp
    }
  packet.offload.segmentSize = input.uint16(at: 1)
  packet.offload.needsChecksum = facts & 4 != 0
  packet.offload.checksumStart = UInt16(facts &>> 4) &* 10
  packet.offload.checksumOffset = facts & 8 != 0 ? 6 : 16
  let isCut = packet.offload.segmentation != .none
  let size = Int(packet.offload.segmentSize)

  var pool = PacketPool(standardLimit: 4, jumboLimit: 4)
  var segmenter = Segmenter(packet)
  var pieces = 0
  var payload = 0
  var isRight = true
  while let piece = segmenter.next(from: &pool) {
    pieces += 1
    if isCut {
      let length = check(piece, against: bytes, after: payload)
      precondition(length <= size || length == 0)
      payload += length
      if !hasRightChecksum(piece) { isRight = false }
    } else {
      precondition(hasLength(piece, bytes.count))
    }
    pool.recycle(piece)
  }
  precondition(segmenter.isEmpty)
  // A single piece keeps whatever checksum it came with.
  precondition(pieces <= 1 || isRight)
}

/// Where the transport header of an IP packet begins, what it is, and where its payload does.
private func layout(_ bytes: Span<UInt8>) -> (transport: Int, kind: IPProtocol, payload: Int)? {
  var transport = 0
  var kind = IPProtocol.tcp
  if let header = try? IPv4Header(parsing: bytes, verifyingChecksum: false) {
    transport = header.headerLength
    kind = header.protocol
  } else if let header = try? IPv6Header(parsing: bytes) {
    let walk = IPv6ExtensionWalk(bytes, header: header)
    transport = walk.offset
    kind = walk.protocol
  } else {
    return nil
  }
  if kind == .udp { return (transport, kind, transport + 8) }
  guard let header = try? TCPHeader(parsing: bytes.slice(from: transport)) else { return nil }
  return (transport, kind, transport + header.dataOffset)
}

/// Checks a piece's payload against the whole's, and answers its length.
private func check(
  _ packet: borrowing Packet, against whole: Span<UInt8>, after start: Int
) -> Int {
  let piece = packet.bytes
  guard let place = layout(piece), let first = layout(whole) else { preconditionFailure() }
  precondition(place.payload == first.payload)
  let length = piece.count - place.payload
  for index in 0..<max(length, 0) {
    precondition(
      piece.uint8(at: place.payload + index) == whole.uint8(at: first.payload + start + index))
  }
  return length
}

private func hasLength(_ piece: borrowing Packet, _ length: Int) -> Bool {
  piece.count == length
}

private func hasRightChecksum(_ packet: borrowing Packet) -> Bool {
  let piece = packet.bytes
  guard let place = layout(piece) else { return false }
  let segment = piece.slice(from: place.transport)
  if place.kind == .udp, segment.uint16(at: 6) == 0 { return true }
  let isIPv4 = piece.uint8(at: 0) >> 4 == 4
  let addresses =
    isIPv4 ? piece.slice(from: 12, length: 8) : piece.slice(from: 8, length: 32)
  let start = UInt64(place.kind.rawValue) + UInt64(segment.count)
  let pseudo = bytewiseSum(addresses, start)
  return bytewiseSum(segment, UInt64(pseudo)) == 0xFFFF
}
