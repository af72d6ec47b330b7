import Addresses
import Packets

/// Puts fragmented datagrams of both versions together again (RFC 791 §3.2, RFC 815, RFC 8200
/// §4.5).
///
/// Memory is bounded in bytes, datagrams, datagrams of one source, and fragments of one datagram.
/// At each bound the oldest makes room, so that a flood of fragments costs what it costs and no
/// more, and the newest datagrams have the best chance. Any overlap drops the whole datagram, and
/// its remains are dropped until its time is over, whatever the version: there is nothing to gain
/// for someone who rewrites bytes (FRAG-1, FRAG-10).
struct Reassembler: ~Copyable {
  private var datagrams: Slots<PartialDatagram>
  private var serial: UInt64 = 0
  /// Bytes of memory of all pieces.
  private(set) var bytes = 0
  private let byteLimit: Int
  private let perSourceLimit: Int
  private let pieceLimit: Int
  /// Not later than the deadline of any datagram.
  private(set) var deadline = Instant.distantFuture

  /// What a piece counts in addition to its packet's memory.
  static var overhead: Int { 96 }
  /// RFC 8200 §4.5: sixty seconds. RFC 1122 §3.3.2 leaves IPv4 the choice; half is what hosts use.
  static var lifetime6: Interval { .seconds(60) }
  static var lifetime4: Interval { .seconds(30) }

  init(_ configuration: StackConfiguration) {
    let nobody = FragmentKey(
      source: .any, destination: .any, identification: 0, protocol: 0, interface: 0)
    datagrams = Slots(
      limit: max(configuration.reassemblyDatagrams, 1),
      standIn: PartialDatagram(key: nobody, deadline: .distantFuture, serial: 0))
    byteLimit = configuration.reassemblyBytes
    perSourceLimit = max(configuration.reassemblyDatagramsPerSource, 1)
    pieceLimit = max(configuration.fragmentsPerDatagram, 1)
  }

  /// Datagrams that wait for fragments, and those whose remains are still expected.
  var count: Int { datagrams.count }
  var misses: UInt64 { datagrams.misses }

  /// Takes a fragment in.
  ///
  /// - Parameter packet: the IP packet from its first byte to its last; copied.
  /// - Returns: the whole datagram, as if it had arrived in one packet, when this was the last of
  ///   its pieces.
  mutating func insert(
    _ fragment: Fragment, _ packet: Span<UInt8>, at now: Instant, _ counters: inout StackCounters
  ) -> Packet? {
    guard let slot = find(fragment.key) ?? open(fragment, at: now, &counters) else { return nil }
    guard !datagrams[slot].isDoomed else {
      counters.fragmentsLate &+= 1
      return nil
    }
    let length = packet.count &- fragment.dataOffset
    switch datagrams[slot].fit(
      start: fragment.offset, length: length, moreFragments: fragment.moreFragments)
    {
    case .duplicate:
      counters.fragmentsDuplicate &+= 1
      return nil
    case .conflict:
      doom(slot, &counters)
      return nil
    case .new(let place):
      guard datagrams[slot].pieces.count < pieceLimit else {
        doom(slot, &counters)
        return nil
      }
      let piece = Self.piece(fragment, packet, length: length)
      guard makeRoom(for: piece.charge, sparing: slot, &counters) else { return nil }
      add(piece, fragment, at: place, to: slot)
    }
    return complete(slot, &counters)
  }

  /// Drops what is there of a datagram and whatever else comes of it: a fragment of it is one that
  /// no sender makes.
  mutating func condemn(_ key: FragmentKey, _ counters: inout StackCounters) {
    counters.fragmentsInvalid &+= 1
    if let slot = find(key), !datagrams[slot].isDoomed { doom(slot, &counters) }
  }

  /// A datagram whose time is over; nothing when there is none left.
  mutating func nextExpired(at now: Instant) -> PartialDatagram? {
    guard deadline <= now else { return nil }
    var earliest = Instant.distantFuture
    for slot in datagrams.indices where datagrams.contains(slot) {
      if datagrams[slot].deadline <= now { return remove(slot) }
      earliest = min(earliest, datagrams[slot].deadline)
    }
    deadline = earliest
    return nil
  }

  // MARK: - Steps

  /// Linear in the number of datagrams, which is limited.
  private func find(_ key: FragmentKey) -> UInt32? {
    guard datagrams.count > 0 else { return nil }
    for slot in datagrams.indices where datagrams.contains(slot) {
      if datagrams[slot].key == key { return slot }
    }
    return nil
  }

  private mutating func open(
    _ fragment: Fragment, at now: Instant, _ counters: inout StackCounters
  ) -> UInt32? {
    var ofSource = 0
    var oldestOfSource: UInt32?
    var oldest: UInt32?
    for slot in datagrams.indices where datagrams.contains(slot) {
      if isOlder(slot, than: oldest) { oldest = slot }
      guard datagrams[slot].key.source == fragment.key.source else { continue }
      ofSource &+= 1
      if isOlder(slot, than: oldestOfSource) { oldestOfSource = slot }
    }
    // FRAG-5: one source has its share, and displaces itself beyond that.
    if ofSource >= perSourceLimit, let oldestOfSource {
      evict(oldestOfSource, &counters)
    } else if datagrams.count >= datagrams.limit, let oldest {
      evict(oldest, &counters)
    }
    let end = now + (fragment.isIPv4 ? Self.lifetime4 : Self.lifetime6)
    serial &+= 1
    deadline = min(deadline, end)
    return datagrams.insert(PartialDatagram(key: fragment.key, deadline: end, serial: serial))
  }

  private func isOlder(_ slot: UInt32, than other: UInt32?) -> Bool {
    guard let other else { return true }
    return datagrams[slot].serial < datagrams[other].serial
  }

  private static func piece(
    _ fragment: Fragment, _ packet: Span<UInt8>, length: Int
  ) -> PartialDatagram.Piece {
    let from = fragment.offset == 0 ? 0 : fragment.dataOffset
    let kept = packet.slice(from: from)
    var memory = Packet(capacity: kept.count, headroom: 0)
    _ = memory.append(kept)
    return PartialDatagram.Piece(
      start: fragment.offset, length: length, packet: memory,
      dataOffset: fragment.dataOffset &- from)
  }

  /// Evicts the oldest datagrams until `charge` bytes are free.
  ///
  /// - Returns: false where the datagram in `slot` had to go itself.
  private mutating func makeRoom(
    for charge: Int, sparing slot: UInt32, _ counters: inout StackCounters
  ) -> Bool {
    while bytes &+ charge > byteLimit {
      var oldest: UInt32?
      for candidate in datagrams.indices where datagrams.contains(candidate) {
        if datagrams[candidate].charge > 0, isOlder(candidate, than: oldest) {
          oldest = candidate
        }
      }
      guard let oldest else {
        evict(slot, &counters)
        return false
      }
      evict(oldest, &counters)
      if oldest == slot { return false }
    }
    return true
  }

  private mutating func add(
    _ piece: consuming PartialDatagram.Piece, _ fragment: Fragment, at place: Int, to slot: UInt32
  ) {
    bytes &+= piece.charge
    datagrams[slot].charge &+= piece.charge
    datagrams[slot].length &+= piece.length
    if !fragment.moreFragments { datagrams[slot].end = piece.end }
    if fragment.offset == 0 {
      datagrams[slot].headerLength = fragment.headerLength
      datagrams[slot].nextHeaderOffset = fragment.nextHeaderOffset
      datagrams[slot].nextHeader = fragment.nextHeader
    }
    if fragment.congestionExperienced { datagrams[slot].congestionExperienced = true }
    if !fragment.isCapable { datagrams[slot].allCapable = false }
    datagrams[slot].pieces.insert(piece, at: place)
  }

  private mutating func doom(_ slot: UInt32, _ counters: inout StackCounters) {
    counters.fragmentsConflicting &+= 1
    bytes &-= datagrams[slot].charge
    datagrams[slot].clear()
    datagrams[slot].isDoomed = true
  }

  private mutating func evict(_ slot: UInt32, _ counters: inout StackCounters) {
    counters.reassemblyEvictions &+= 1
    _ = remove(slot)
  }

  private mutating func remove(_ slot: UInt32) -> PartialDatagram? {
    guard let datagram = datagrams.remove(slot) else { return nil }
    bytes &-= datagram.charge
    return datagram
  }

  private mutating func complete(_ slot: UInt32, _ counters: inout StackCounters) -> Packet? {
    guard datagrams[slot].isComplete, let datagram = remove(slot) else { return nil }
    // RFC 3168 §5.3: a mark on a piece is a mark on the whole, unless a piece could not bear one.
    guard !datagram.congestionExperienced || datagram.allCapable else {
      counters.fragmentsConflicting &+= 1
      return nil
    }
    guard let whole = datagram.assembled() else {
      counters.fragmentsInvalid &+= 1
      return nil
    }
    counters.datagramsReassembled &+= 1
    return whole
  }
}

extension PartialDatagram {
  /// The pieces behind the first one's header, which says so; nothing where the datagram would be
  /// longer than one can be.
  func assembled() -> Packet? {
    let total = headerLength &+ length
    let most = key.source.isIPv4Mapped ? 65_535 : 65_535 &+ IPv6Header.size
    guard total <= most, hasFirst else { return nil }
    var whole = Packet(capacity: total, headroom: 0)
    _ = whole.append(pieces[0].packet.bytes.slice(from: 0, length: headerLength))
    var place = 0
    while place < pieces.count {
      _ = whole.append(pieces[place].packet.bytes.slice(from: pieces[place].dataOffset))
      place &+= 1
    }
    guard whole.count == total else { return nil }
    var bytes = whole.mutableBytes
    if key.source.isIPv4Mapped {
      bytes.store(UInt16(truncatingIfNeeded: total), at: 2)
      bytes.store(0 as UInt16, at: 6)
      if congestionExperienced { bytes.store(bytes.span.uint8(at: 1) | 3, at: 1) }
      bytes.store(0 as UInt16, at: 10)
      var checksum = InternetChecksum()
      checksum.add(bytes.span.slice(from: 0, length: headerLength))
      bytes.store(checksum.value, at: 10)
    } else {
      bytes.store(UInt16(truncatingIfNeeded: total &- IPv6Header.size), at: 4)
      bytes.store(nextHeader, at: nextHeaderOffset)
      if congestionExperienced { bytes.store(bytes.span.uint8(at: 1) | 0x30, at: 1) }
    }
    return whole
  }
}
