import Addresses
import Packets

/// The first byte selects the parser, the rest is its input. Beyond the absence of traps each
/// case holds what must be true of whatever was accepted; `precondition` stops the run otherwise.
public func exerciseParsers(_ input: Span<UInt8>) {
  let bytes = input.slice(from: 1)
  switch input.uint8(at: 0) % 17 {
  case 0: ethernet(bytes)
  case 1: arp(bytes)
  case 2: ipv4(bytes)
  case 3: ipv6(bytes)
  case 4: icmp(bytes)
  case 5: neighborDiscovery(bytes)
  case 6: udp(bytes)
  case 7: tcp(bytes)
  case 8: tcpOptions(bytes)
  case 9: quotes(bytes)
  case 10: reader(bytes)
  case 11: print(bytes, .ip)
  case 12: print(bytes, .ethernet)
  case 13: capture(bytes)
  case 14: checksum(bytes)
  case 15: segmenter(bytes)
  default: names(bytes)
  }
}

/// Whether `write` gives back the first `size` of the bytes that were parsed.
private func restores(
  _ bytes: Span<UInt8>, _ size: Int, _ write: (inout MutableSpan<UInt8>) -> Void
) -> Bool {
  var copy = [UInt8](repeating: 0, count: size)
  var span = copy.mutableSpan
  bytes.slice(from: 0, length: size).copy(into: &span)
  write(&span)
  for index in 0..<size where copy[index] != bytes.uint8(at: index) { return false }
  return true
}

private func ethernet(_ bytes: Span<UInt8>) {
  guard let header = try? EthernetHeader(parsing: bytes) else { return }
  precondition(restores(bytes, EthernetHeader.size) { header.write(into: &$0) })
}

private func arp(_ bytes: Span<UInt8>) {
  guard let packet = try? ARPPacket(parsing: bytes) else { return }
  precondition(restores(bytes, ARPPacket.size) { packet.write(into: &$0) })
}

private func ipv4(_ bytes: Span<UInt8>) {
  _ = try? IPv4Header(parsing: bytes)
  guard let header = try? IPv4Header(parsing: bytes, verifyingChecksum: false) else { return }
  precondition(header.totalLength <= bytes.count && header.headerLength <= header.totalLength)
  var copy = [UInt8](repeating: 0, count: header.totalLength)
  var span = copy.mutableSpan
  bytes.slice(from: 0, length: header.totalLength).copy(into: &span)
  header.write(into: &span)
  guard let again = try? IPv4Header(parsing: copy.span) else { preconditionFailure() }
  precondition(again == header)
}

private func ipv6(_ bytes: Span<UInt8>) {
  guard let header = try? IPv6Header(parsing: bytes) else { return }
  precondition(restores(bytes, IPv6Header.size) { header.write(into: &$0) })
  for isReassembled in [false, true] {
    let walk = IPv6ExtensionWalk(bytes, header: header, isReassembled: isReassembled)
    precondition(walk.offset >= IPv6Header.size && walk.offset <= header.totalLength)
    precondition(bytes.uint8(at: walk.nextHeaderOffset) == walk.protocol.rawValue)
    if case .parameterProblem(_, let pointer) = walk.outcome {
      precondition(Int(pointer) < header.totalLength)
    }
    if case .fragment = walk.outcome { precondition(walk.fragment != nil && !isReassembled) }
  }
}

private func icmp(_ bytes: Span<UInt8>) {
  _ = try? ICMPv4Message(parsing: bytes)
  if let message = try? ICMPv4Message(parsing: bytes, verifyingChecksum: false) {
    var copy = [UInt8](repeating: 0, count: bytes.count)
    var span = copy.mutableSpan
    message.write(into: &span)
    precondition((try? ICMPv4Message(parsing: copy.span)) == message)
  }
  _ = try? ICMPv6Message(parsing: bytes, source: .any, destination: .any)
  if let message = try? ICMPv6Message(
    parsing: bytes, source: .any, destination: .any, verifyingChecksum: false)
  {
    var copy = [UInt8](repeating: 0, count: bytes.count)
    var span = copy.mutableSpan
    message.write(into: &span, source: .any, destination: .loopback)
    let again = try? ICMPv6Message(
      parsing: copy.span, source: .any, destination: .loopback)
    precondition(again == message)
  }
}

private func neighborDiscovery(_ bytes: Span<UInt8>) {
  let router = IPv6Address(high: 0xFE80 << 48, low: 1)
  for source in [router, .any] {
    let header = IPv6Header(
      source: source, destination: IPv6Address(high: 0xFF02 << 48, low: 1),
      nextHeader: .icmpv6, payloadLength: bytes.count, hopLimit: 255)
    _ = try? NeighborSolicitation(parsing: bytes, in: header, verifyingChecksum: false)
    _ = try? NeighborAdvertisement(parsing: bytes, in: header, verifyingChecksum: false)
    _ = try? RouterSolicitation(parsing: bytes, in: header, verifyingChecksum: false)
    _ = try? RedirectMessage(parsing: bytes, in: header, verifyingChecksum: false)
    _ = try? RouterAdvertisement(parsing: bytes, in: header, verifyingChecksum: false)
  }
  guard var options = try? NeighborDiscoveryOptions(validating: bytes) else { return }
  var count = 0
  while options.next() != nil { count += 1 }
  precondition(count * 8 <= bytes.count)
}

private func udp(_ bytes: Span<UInt8>) {
  guard let header = try? UDPHeader(parsing: bytes) else { return }
  precondition(restores(bytes, UDPHeader.size) { header.write(into: &$0) })
  _ = header.hasValidChecksum(in: bytes, source: .v4(.any), destination: .v4(.loopback))
  _ = header.hasValidChecksum(in: bytes, source: .v6(.any), destination: .v6(.loopback))
}

private func tcp(_ bytes: Span<UInt8>) {
  guard let header = try? TCPHeader(parsing: bytes) else { return }
  var copy = [UInt8](repeating: 0, count: header.dataOffset)
  var span = copy.mutableSpan
  header.write(into: &span)
  precondition((try? TCPHeader(parsing: copy.span)) == header)
  tcpOptions(bytes.slice(from: TCPHeader.size, length: header.dataOffset &- TCPHeader.size))
}

private func tcpOptions(_ bytes: Span<UInt8>) {
  for flags: TCPFlags in [[], .syn, .rst] {
    let options = TCPOptions(parsing: bytes, flags: flags)
    precondition(options.size <= 40 && options.size & 3 == 0)
    var copy = [UInt8](repeating: 0, count: options.size)
    var span = copy.mutableSpan
    options.write(into: &span)
    let again = TCPOptions(parsing: copy.span, flags: flags)
    precondition(again.maximumSegmentSize == options.maximumSegmentSize)
    precondition(again.windowScale == options.windowScale)
    precondition(again.timestamp == options.timestamp && !again.isMalformed)
    precondition(again.sackPermitted == options.sackPermitted)
    precondition(again.sackBlocks.count == options.writtenSACKBlocks)
  }
}

private func quotes(_ bytes: Span<UInt8>) {
  for flow in [try? QuotedFlow(parsingIPv4: bytes), try? QuotedFlow(parsingIPv6: bytes)] {
    guard let flow else { continue }
    precondition(bytes.count >= 28 && (flow.sequenceNumber == nil || flow.protocol == .tcp))
    _ = flow.echo?.identifier
  }
}

private func reader(_ bytes: Span<UInt8>) {
  var reader = ByteReader(bytes)
  while let step = reader.uint8() {
    let before = reader.remaining
    switch step & 7 {
    case 0: _ = reader.uint16()
    case 1: _ = reader.uint32()
    case 2: _ = reader.uint64()
    case 3: _ = reader.skip(Int(step) &- 100)
    default:
      guard let child = reader.child(Int(step) &- 100) else { continue }
      precondition(child.remaining &+ reader.remaining == before)
    }
    precondition(reader.remaining >= 0 && reader.remaining &+ reader.offset == bytes.count)
  }
}

private func print(_ bytes: Span<UInt8>, _ linkType: LinkType) {
  precondition(!PacketSummary(bytes, linkType: linkType).description.isEmpty)
}

private func capture(_ bytes: Span<UInt8>) {
  var reader = PcapngReader(bytes)
  while let record = try? reader.next() {
    precondition(record.offset &+ record.count <= bytes.count)
    print(reader.bytes(of: record), record.linkType == 1 ? .ethernet : .ip)
  }
}

/// What was read is read again from what was written of it, without compression.
private func names(_ bytes: Span<UInt8>) {
  guard let message = try? DNSMessage(parsing: bytes) else { return }
  let written = message.encoded()
  guard let again = try? DNSMessage(parsing: written.span) else { preconditionFailure() }
  precondition(again == message)
  for record in message.answers {
    precondition(record.name.wire.count <= DomainName.longest)
    // Unless a byte of it is beyond what people write, its text means the same name.
    let text = record.name.description
    precondition(DomainName(text) == record.name, "a name's text means another")
  }
}

/// The fast sum, in two parts of any length, against the bytewise one.
private func checksum(_ bytes: Span<UInt8>) {
  let data = bytes.slice(from: 1)
  let cut = Int(bytes.uint8(at: 0))
  var fast = InternetChecksum()
  fast.add(data.slice(from: 0, length: cut))
  fast.add(data.slice(from: cut))
  precondition(fast.value == ~bytewiseSum(data, 0))
}

func bytewiseSum(_ bytes: Span<UInt8>, _ start: UInt64) -> UInt16 {
  var sum = start
  for index in bytes.indices {
    sum += UInt64(bytes.uint8(at: index)) << (index % 2 == 0 ? 8 : 0)
  }
  while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
  return UInt16(sum)
}
