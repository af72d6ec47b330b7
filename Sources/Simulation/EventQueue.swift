import Packets

/// What a moment of virtual time is about.
struct Happening {
  enum Kind: UInt8 {
    /// A packet reaches the far end of a pipe: `subject` is the pipe, `detail` its place in flight.
    case arrival
    /// A host's timers may be due: `subject` is the host.
    case deadline
    /// An application asked to be woken: `subject` is the host, `detail` the application.
    case wake
    /// A step of the scenario's script: `detail` is its number.
    case action
  }

  var kind: Kind
  var subject: UInt32
  var detail: UInt32
}

/// Virtual time: happenings by instant, and those of one instant in the order of their being added.
///
/// A heap of four children a node. Adding and removing take logarithmic time, and no memory once it
/// has grown to the run's high-water mark.
struct EventQueue {
  private struct Entry {
    var instant: Instant
    var serial: UInt64
    var happening: Happening

    @inline(__always)
    func precedes(_ other: Entry) -> Bool {
      instant == other.instant ? serial < other.serial : instant < other.instant
    }
  }

  private var entries: [Entry] = []
  private var serial: UInt64 = 0

  var count: Int { entries.count }
  /// The earliest instant there is something at.
  var nextInstant: Instant? { entries.first?.instant }

  mutating func add(_ happening: Happening, at instant: Instant) {
    let entry = Entry(instant: instant, serial: serial, happening: happening)
    serial &+= 1
    entries.append(entry)
    var hole = entries.count &- 1
    while hole > 0 {
      let parent = (hole &- 1) / 4
      guard entry.precedes(entries[parent]) else { break }
      entries[hole] = entries[parent]
      hole = parent
    }
    entries[hole] = entry
  }

  mutating func removeFirst() -> (instant: Instant, happening: Happening)? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    if !entries.isEmpty { sink(last) }
    return (first.instant, first.happening)
  }

  /// Puts `entry` where the root was and lets it down to its place.
  private mutating func sink(_ entry: Entry) {
    var hole = 0
    while true {
      let firstChild = hole &* 4 &+ 1
      guard firstChild < entries.count else { break }
      var least = firstChild
      var child = firstChild &+ 1
      let end = min(firstChild &+ 4, entries.count)
      while child < end {
        if entries[child].precedes(entries[least]) { least = child }
        child &+= 1
      }
      guard entries[least].precedes(entry) else { break }
      entries[hole] = entries[least]
      hole = least
    }
    entries[hole] = entry
  }
}
