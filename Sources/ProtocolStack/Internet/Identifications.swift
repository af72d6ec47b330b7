import Addresses
import Packets

/// Identifications for datagrams that are sent in fragments.
///
/// ID-2, ID-3, RFC 7739 §5.3: a keyed hash of the addresses gives each pair its own beginning, and
/// one of many counters, chosen by another keyed hash, moves it on by a random step: numbers do not
/// repeat soon between two hosts, and tell a third one nothing. Whole datagrams need none
/// (RFC 6864 §4.1).
struct Identifications {
  private var counters = InlineArray<64, UInt32>(repeating: 0)

  mutating func next(
    from source: IPv6Address, to destination: IPv6Address, _ secrets: inout Secrets
  ) -> UInt32 {
    let hash = secrets.hash(
      source.high, source.low, destination.high, destination.low, 0x6964_656E)
    let place = Int(truncatingIfNeeded: hash &>> 32) & (counters.count &- 1)
    counters[place] &+= 1 &+ secrets.next(below: 3)
    return UInt32(truncatingIfNeeded: hash) &+ counters[place]
  }
}
