/// A first-in, first-out queue of plain values that grows as needed.
struct Ring<Element: BitwiseCopyable>: ~Copyable {
  private var storage = MaskedStorage<Element>()
  private var head = 0
  private(set) var count = 0

  @inline(__always)
  var isEmpty: Bool { count == 0 }

  /// The oldest value.
  @inline(__always)
  var first: Element? { count > 0 ? storage[head] : nil }

  /// The value `index` places behind the oldest; `index` must be below ``count``.
  @inline(__always)
  subscript(index: Int) -> Element { storage[head &+ index] }

  /// Removes the first occurrence of what `matches`, keeping the order of the others. Linear.
  mutating func removeFirst(where matches: (Element) -> Bool) {
    var index = 0
    while index < count, !matches(self[index]) { index &+= 1 }
    guard index < count else { return }
    while index &+ 1 < count {
      storage[head &+ index] = self[index &+ 1]
      index &+= 1
    }
    count &-= 1
  }

  /// Adds the newest value. Constant time, amortised.
  mutating func append(_ element: Element) {
    if count == storage.capacity {
      storage.grow(rotatingFrom: head, filling: element)
      head = 0
    }
    storage[head &+ count] = element
    count &+= 1
  }

  /// Takes the oldest value out.
  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = storage[head]
    head &+= 1
    count &-= 1
    return element
  }
}
