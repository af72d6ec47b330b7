import Packets

/// The earliest of many deadlines, one per slot number: a binary heap that knows where each slot's
/// entry is. Setting, moving and removing one take logarithmic time, looking at the first constant.
struct DeadlineHeap: ~Copyable {
  struct Entry: BitwiseCopyable {
    var deadline: Int64
    var slot: UInt32
  }

  private static var absent: UInt32 { .max }
  private var entries = MaskedStorage<Entry>()
  private var places = MaskedStorage<UInt32>()
  private(set) var count = 0

  var first: Instant? { count > 0 ? Instant(nanoseconds: entries[0].deadline) : nil }
  var firstSlot: UInt32? { count > 0 ? entries[0].slot : nil }

  /// Sets the deadline of a slot; the distant future takes it out.
  mutating func set(_ slot: UInt32, to deadline: Instant) {
    while places.capacity <= Int(slot) { places.grow(rotatingFrom: 0, filling: Self.absent) }
    let place = places[Int(slot)]
    if deadline == .distantFuture {
      if place != Self.absent { remove(Int(place)) }
      return
    }
    if place == Self.absent {
      let entry = Entry(deadline: deadline.nanoseconds, slot: slot)
      if count == entries.capacity { entries.grow(rotatingFrom: 0, filling: entry) }
      count &+= 1
      put(entry, at: count &- 1)
      rise(count &- 1)
    } else {
      let place = Int(place)
      entries[place].deadline = deadline.nanoseconds
      rise(place)
      sink(Int(places[Int(slot)]))
    }
  }

  private mutating func remove(_ place: Int) {
    places[Int(entries[place].slot)] = Self.absent
    count &-= 1
    guard place < count else { return }
    let last = entries[count]
    put(last, at: place)
    rise(place)
    sink(Int(places[Int(last.slot)]))
  }

  private mutating func put(_ entry: Entry, at place: Int) {
    entries[place] = entry
    places[Int(entry.slot)] = UInt32(truncatingIfNeeded: place)
  }

  private mutating func rise(_ start: Int) {
    var place = start
    let entry = entries[place]
    while place > 0 {
      let parent = (place &- 1) &>> 1
      guard entry.deadline < entries[parent].deadline else { break }
      put(entries[parent], at: place)
      place = parent
    }
    put(entry, at: place)
  }

  private mutating func sink(_ start: Int) {
    var place = start
    let entry = entries[place]
    while true {
      var child = place &* 2 &+ 1
      guard child < count else { break }
      if child &+ 1 < count, entries[child &+ 1].deadline < entries[child].deadline {
        child &+= 1
      }
      guard entries[child].deadline < entry.deadline else { break }
      put(entries[child], at: place)
      place = child
    }
    put(entry, at: place)
  }
}
