import Packets

/// A run of sequence space, from `start` up to but not including `end`.
struct SequenceRange: BitwiseCopyable, Equatable {
  var start: SequenceNumber
  var end: SequenceNumber

  var count: Int { start.distance(to: end) }
}

/// Disjoint runs of sequence space in order, never touching each other: what came out of order, and
/// what the peer says came out of order (RFC 2018).
///
/// At most `limit` runs; finding one takes logarithmic time, inserting linear in the runs behind
/// it, so a hostile pattern of holes costs a bounded amount (TCP-28, TCP-45).
struct SequenceRanges: ~Copyable {
  private var ranges = MaskedStorage<SequenceRange>()
  private(set) var count = 0
  /// Octets in all runs together.
  private(set) var total = 0
  let limit: Int

  init(limit: Int) { self.limit = limit }

  @inline(__always)
  var isEmpty: Bool { count == 0 }

  /// The run at `index`, the lowest first; `index` must be below ``count``.
  @inline(__always)
  subscript(index: Int) -> SequenceRange { ranges[index] }

  /// The number of runs that end before or at `point`.
  func index(endingAfter point: SequenceNumber) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low &+ high) &>> 1
      if ranges[middle].end.precedesOrEquals(point) { low = middle &+ 1 } else { high = middle }
    }
    return low
  }

  /// The run that holds `point`.
  func range(containing point: SequenceNumber) -> SequenceRange? {
    let index = index(endingAfter: point)
    guard index < count, ranges[index].start.precedesOrEquals(point) else { return nil }
    return ranges[index]
  }

  /// Whether all of a run is covered.
  func covers(_ range: SequenceRange) -> Bool {
    guard let found = self.range(containing: range.start) else { return false }
    return range.end.precedesOrEquals(found.end)
  }

  /// Adds a run and merges it with those it touches.
  ///
  /// - Returns: false, and nothing changed, where it would make one run more than the limit.
  mutating func insert(_ new: SequenceRange) -> Bool {
    guard new.start.precedes(new.end) else { return true }
    // The first run that is not wholly before the new one without touching it.
    var first = index(endingAfter: new.start)
    if first > 0, ranges[first &- 1].end == new.start { first &-= 1 }
    var last = first
    var merged = new
    while last < count, ranges[last].start.precedesOrEquals(new.end) {
      if ranges[last].start.precedes(merged.start) { merged.start = ranges[last].start }
      if merged.end.precedes(ranges[last].end) { merged.end = ranges[last].end }
      total &-= ranges[last].count
      last &+= 1
    }
    if first == last {
      guard count < limit else { return false }
      if count == ranges.capacity { ranges.grow(rotatingFrom: 0, filling: new) }
      var index = count
      while index > first {
        ranges[index] = ranges[index &- 1]
        index &-= 1
      }
      count &+= 1
    } else if last &- first > 1 {
      let removed = last &- first &- 1
      var index = last
      while index < count {
        ranges[index &- removed] = ranges[index]
        index &+= 1
      }
      count &-= removed
    }
    ranges[first] = merged
    total &+= merged.count
    return true
  }

  /// Forgets everything before `point`.
  mutating func removeAll(before point: SequenceNumber) {
    guard count > 0, ranges[0].start.precedes(point) else { return }
    let keep = index(endingAfter: point)
    var index = 0
    while index < keep {
      total &-= ranges[index].count
      index &+= 1
    }
    while index < count {
      ranges[index &- keep] = ranges[index]
      index &+= 1
    }
    count &-= keep
    if count > 0, ranges[0].start.precedes(point) {
      total &-= ranges[0].start.distance(to: point)
      ranges[0].start = point
    }
    if count == 0 { ranges.removeAll() }
  }

  mutating func removeAll() {
    count = 0
    total = 0
    ranges.removeAll()
  }
}
