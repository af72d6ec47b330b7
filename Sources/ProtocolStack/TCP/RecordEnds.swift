import Packets

/// Where packets have to end because the user has said so (`MSG_EOR`): nothing behind such a place
/// shares a packet with what lies before it.
///
/// At most ``limit`` places at a time; beyond that the user's wish is not kept, as TCP has no
/// records.
struct RecordEnds: ~Copyable {
  static var limit: Int { 1024 }

  private var ends = Ring<SequenceNumber>()

  @inline(__always)
  var isEmpty: Bool { ends.isEmpty }

  mutating func append(_ end: SequenceNumber) {
    guard ends.count < Self.limit else { return }
    ends.append(end)
  }

  /// The first end behind `point`. Linear in the ends before it.
  func first(after point: SequenceNumber) -> SequenceNumber? {
    var index = 0
    while index < ends.count {
      if point.precedes(ends[index]) { return ends[index] }
      index &+= 1
    }
    return nil
  }

  func hasEnd(at point: SequenceNumber) -> Bool {
    !isEmpty && first(after: point.advanced(by: -1)) == point
  }

  /// Forgets the ends up to `point`.
  mutating func removeAll(through point: SequenceNumber) {
    while let end = ends.first, end.precedesOrEquals(point) { _ = ends.popFirst() }
  }

  mutating func removeAll() {
    while ends.popFirst() != nil {}
  }
}
