import Addresses

/// A few senders of a group, in mapped form, without order.
struct SourceSet {
  /// The most there is room for.
  static var limit: Int { 16 }

  private var sources = InlineArray<16, IPv6Address>(repeating: .any)
  private(set) var count = 0

  /// The source at `index`, which must be below ``count``.
  subscript(index: Int) -> IPv6Address { sources[index & 15] }

  func contains(_ source: IPv6Address) -> Bool {
    var index = 0
    while index < count {
      if self[index] == source { return true }
      index &+= 1
    }
    return false
  }

  /// Adds a source.
  ///
  /// - Returns: false where there is no room.
  mutating func insert(_ source: IPv6Address) -> Bool {
    if contains(source) { return true }
    guard count < Self.limit else { return false }
    sources[count & 15] = source
    count &+= 1
    return true
  }

  /// Takes out every source that is meant.
  mutating func remove(where isMeant: (IPv6Address) -> Bool) {
    var kept = SourceSet()
    var index = 0
    while index < count {
      if !isMeant(self[index]) { _ = kept.insert(self[index]) }
      index &+= 1
    }
    self = kept
  }

  /// What is in one of both only, as far as there is room; `isComplete` says whether there was.
  func difference(_ other: SourceSet) -> (sources: SourceSet, isComplete: Bool) {
    var result = self
    result.remove { other.contains($0) }
    var rest = other
    rest.remove { contains($0) }
    let isComplete = result.insert(all: rest)
    return (result, isComplete)
  }

  /// Adds all of another set.
  ///
  /// - Returns: false where some found no room.
  mutating func insert(all other: SourceSet) -> Bool {
    var index = 0
    var fits = true
    while index < other.count {
      fits = insert(other[index]) && fits
      index &+= 1
    }
    return fits
  }
}
