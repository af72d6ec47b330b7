/// Finds a slot by a keyed hash: open addressing with linear probing, at most half full.
///
/// The table holds hashes and slot numbers; whether a candidate is the one meant is the caller's to
/// say, by comparing the full key in its slot. Since the hash is keyed with a secret, no sender can
/// choose keys that collide (ID-5). All operations take constant time on average.
struct FlowTable: ~Copyable {
  struct Entry: BitwiseCopyable {
    /// The hash, with the lowest bit set in every entry that is taken; zero in a free one.
    var tag: UInt64
    var slot: UInt32
  }

  private var entries = MaskedStorage<Entry>()
  private(set) var count = 0

  @inline(__always)
  private static func tag(_ hash: UInt64) -> UInt64 { hash | 1 }

  /// The first candidate for `hash`; go on with ``next(_:after:)`` while it is not the one meant.
  @inline(__always)
  func first(_ hash: UInt64) -> (slot: UInt32, place: Int)? {
    guard count > 0 else { return nil }
    return probe(Self.tag(hash), from: Int(truncatingIfNeeded: hash &>> 1))
  }

  /// The next candidate behind `place`.
  @inline(__always)
  func next(_ hash: UInt64, after place: Int) -> (slot: UInt32, place: Int)? {
    probe(Self.tag(hash), from: place &+ 1)
  }

  @inline(__always)
  private func probe(_ tag: UInt64, from start: Int) -> (slot: UInt32, place: Int)? {
    var place = start
    while true {
      let entry = entries[place]
      if entry.tag == tag { return (entry.slot, place) }
      if entry.tag == 0 { return nil }
      place &+= 1
    }
  }

  mutating func insert(_ hash: UInt64, slot: UInt32) {
    if (count &+ 1) &* 2 > entries.capacity { grow() }
    place(Entry(tag: Self.tag(hash), slot: slot))
    count &+= 1
  }

  /// Removes the entry of a slot; others that were pushed on by it move back.
  mutating func remove(_ hash: UInt64, slot: UInt32) {
    var candidate = first(hash)
    while let found = candidate, found.slot != slot {
      candidate = next(hash, after: found.place)
    }
    guard var hole = candidate?.place else { return }
    count &-= 1
    let mask = entries.capacity &- 1
    var place = hole
    while true {
      place &+= 1
      let entry = entries[place]
      guard entry.tag != 0 else { break }
      let home = Int(truncatingIfNeeded: entry.tag &>> 1)
      // The entry may fill the hole unless its home lies behind the hole.
      if (place &- home) & mask >= (place &- hole) & mask {
        entries[hole] = entry
        hole = place
      }
    }
    entries[hole] = Entry(tag: 0, slot: 0)
  }

  private mutating func place(_ entry: Entry) {
    var place = Int(truncatingIfNeeded: entry.tag &>> 1)
    while entries[place].tag != 0 { place &+= 1 }
    entries[place] = entry
  }

  private mutating func grow() {
    var old = MaskedStorage<Entry>()
    swap(&old, &entries)
    entries.reset(capacity: max(old.capacity &* 2, 16), filling: Entry(tag: 0, slot: 0))
    var index = 0
    while index < old.capacity {
      if old[index].tag != 0 { place(old[index]) }
      index &+= 1
    }
  }
}
