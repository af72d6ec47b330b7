import Addresses
import BasicContainers
import Packets
import ProtocolStack

extension World {
  /// A host sends a packet into a wire.
  mutating func transmit(_ packet: consuming Packet, of host: Int, wire: Int, end: Int) {
    let place = wires[wire].ends[end]
    trace.add(packet.bytes, pipe: place.outbound, at: now)
    monitor?.sent(
      packet, linkHeader: place.abilities.linkHeaderSize, mtu: place.abilities.mtu, at: now)
    for index in captures.indices where captures[index].wire == wire {
      captures[index].write(packet, at: now)
    }
    guard packet.offload.segmentation != .none, !takesSuperSegments(wire, from: end) else {
      launch(packet, of: host, into: place.outbound, place.abilities.linkHeaderSize)
      return
    }
    cut(packet, of: host, into: place.outbound, place.abilities.linkHeaderSize)
  }

  /// A packet comes out of a pipe: at a host, or at a switch that sends it on.
  mutating func arrive(_ place: UInt32, from pipe: Int) {
    guard let traveller = flight.remove(place) else { return }
    let from = pipeEnds[pipe]
    pipes[pipe].countDelivery(traveller.packet.count)
    guard from.isOutbound else {
      deliver(traveller, wire: from.wire, end: from.end)
      return
    }
    switch wires[from.wire].kind {
    case .direct: deliver(traveller, wire: from.wire, end: 1 - from.end)
    case .switched:
      let target = station(traveller.packet, from)
      sendOn(traveller, target, from, pipe)
    case .routed:
      let target = owner(traveller.packet, from.wire)
      sendOn(traveller, target, from, pipe)
    }
  }

  private mutating func deliver(_ traveller: consuming Flight.Traveller, wire: Int, end: Int) {
    let place = wires[wire].ends[end]
    var traveller = traveller
    if !place.abilities.checksumOffload {
      // This adapter knows nothing of checksums: all of it is in the bytes, none beside them.
      traveller.packet.completeChecksum()
      traveller.packet.offload = Offload()
    }
    monitor?.delivered(traveller.packet, linkHeader: place.abilities.linkHeaderSize)
    hosts[place.host].stack.receive(
      &traveller.packet, on: InterfaceIndex(rawValue: place.interface), at: now)
    recycle(traveller)
    drain(place.host)
  }

  /// Whether everyone who might get a super-segment from this end takes it whole. A wire that
  /// corrupts has to cut, because only then has each piece a checksum of its own.
  private func takesSuperSegments(_ wire: Int, from end: Int) -> Bool {
    guard case .direct = wires[wire].kind else { return false }
    return wires[wire].ends[1 - end].abilities.receiveCoalescing
      && pipes[wires[wire].ends[end].outbound].conditions.corruption == .never
  }

  /// Cuts a super-segment as an adapter would, and sends the pieces one after the other.
  private mutating func cut(
    _ packet: consuming Packet, of owner: Int, into pipe: Int, _ linkHeader: Int
  ) {
    // The segmenter gives the whole to the wires' pool; its owner gets as much memory in return.
    hosts[owner].stack.recycle(flight.spare(for: packet.capacity - Packet.defaultHeadroom))
    var segmenter = Segmenter(packet, networkHeader: linkHeader)
    var pieces = 0
    while let piece = flight.piece(of: &segmenter) {
      pieces += 1
      launch(piece, of: Flight.wires, into: pipe, linkHeader)
    }
    pipes[pipe].countCut(pieces: pieces)
  }

  /// Lets the pipe decide, and does what it says.
  private mutating func launch(
    _ packet: consuming Packet, of owner: Int, into pipe: Int, _ linkHeader: Int
  ) {
    let verdict = pipes[pipe].send(packet.count, linkHeader: linkHeader, at: now)
    if let second = verdict.second {
      depart(flight.copy(packet), of: Flight.wires, into: pipe, second, linkHeader)
    }
    guard let first = verdict.first else {
      recycle(Flight.Traveller(packet: packet, owner: owner))
      return
    }
    depart(packet, of: owner, into: pipe, first, linkHeader)
  }

  private mutating func depart(
    _ packet: consuming Packet, of owner: Int, into pipe: Int, _ journey: Pipe.Journey,
    _ linkHeader: Int
  ) {
    if let bit = journey.flippedBit {
      packet.completeChecksum()
      packet.offload = Offload()
      let offset = linkHeader + bit / 8
      let byte = packet.bytes.uint8(at: offset)
      var bytes = packet.mutableBytes
      bytes.store(byte ^ (1 << UInt8(truncatingIfNeeded: bit % 8)), at: offset)
    }
    let place = flight.insert(packet, of: owner)
    queue.add(
      Happening(kind: .arrival, subject: UInt32(truncatingIfNeeded: pipe), detail: place),
      at: journey.arrival)
  }

  /// Sends a packet on to one end, or to all but the one it came from.
  private mutating func sendOn(
    _ traveller: consuming Flight.Traveller, _ target: Int?, _ from: PipeEnd, _ pipe: Int
  ) {
    var isWanted = false
    for end in wires[from.wire].ends.indices where end != from.end {
      if let target, target != end { continue }
      guard let inbound = wires[from.wire].ends[end].inbound else { continue }
      isWanted = true
      let linkHeader = wires[from.wire].ends[end].abilities.linkHeaderSize
      launch(flight.copy(traveller.packet), of: Flight.wires, into: inbound, linkHeader)
    }
    if !isWanted { pipes[pipe].countUnaddressed() }
    recycle(traveller)
  }

  /// Where a frame's destination is, as far as the switch has learned; nil: send it to everyone.
  private mutating func station(_ packet: borrowing Packet, _ from: PipeEnd) -> Int? {
    guard let header = try? EthernetHeader(parsing: packet.bytes) else { return from.end }
    wires[from.wire].stations[header.source] = from.end
    return wires[from.wire].stations[header.destination]
  }

  /// Who has a packet's destination address; the sender itself where nobody has it, so that it goes
  /// nowhere; nil, for everyone, where it is a group.
  private func owner(_ packet: borrowing Packet, _ wire: Int) -> Int? {
    let bytes = packet.bytes
    let nobody = wires[wire].ends.count
    switch bytes.uint8(at: 0) >> 4 {
    case 4:
      let address = IPv4Address(rawValue: bytes.uint32(at: 16))
      if address.isMulticast || address == .broadcast { return nil }
      return wires[wire].addresses[.v4(address)] ?? nobody
    case 6:
      let address = IPv6Address(high: bytes.uint64(at: 24), low: bytes.uint64(at: 32))
      if address.isMulticast { return nil }
      return wires[wire].addresses[.v6(address)] ?? nobody
    default: return nobody
    }
  }

  private mutating func recycle(_ traveller: consuming Flight.Traveller) {
    if traveller.owner == Flight.wires {
      flight.recycle(traveller.packet)
    } else {
      hosts[traveller.owner].stack.recycle(traveller.packet)
    }
  }
}
