/// A short list of values that need not be copyable, in order, mutated in place.
///
/// It grows by doubling. An index that is not in the list is a mistake of this module's, never of
/// the network's: it meets the ``StandIn``, like a free slot of ``Slots``.
@safe
struct List<Element: ~Copyable>: ~Copyable, @unchecked Sendable {
  private var base: UnsafeMutablePointer<Element>?
  private var capacity = 0
  private(set) var count = 0
  private let standIn: StandIn<Element>

  /// - Parameter standIn: an element without a life of its own.
  init(standIn: consuming Element) {
    unsafe base = nil
    self.standIn = StandIn(standIn)
  }

  /// How often an index was used that is not in the list.
  var misses: UInt64 { standIn.misses }

  /// The indices in use.
  @inline(__always)
  var indices: Range<Int> { unsafe Range(uncheckedBounds: (0, count)) }

  deinit {
    guard let base = unsafe base else { return }
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
  }

  subscript(index: Int) -> Element {
    @inline(__always)
    unsafeAddress {
      guard index >= 0, index < count, let base = unsafe base else {
        return unsafe UnsafePointer(standIn.answer())
      }
      return unsafe UnsafePointer(base + index)
    }
    @inline(__always)
    unsafeMutableAddress {
      guard index >= 0, index < count, let base = unsafe base else {
        return unsafe standIn.answer()
      }
      return unsafe base + index
    }
  }

  /// Adds a value at the end. Constant time, amortised.
  mutating func append(_ element: consuming Element) { insert(element, at: count) }

  /// Adds a value before the one at `index`; beyond the end: at the end. Linear in what follows.
  mutating func insert(_ element: consuming Element, at index: Int) {
    if count == capacity { grow() }
    guard let base = unsafe base else { return }
    let place = index < 0 ? 0 : (index < count ? index : count)
    let rest = count &- place
    if rest > 0 { unsafe (base + (place &+ 1)).moveInitialize(from: base + place, count: rest) }
    unsafe (base + place).initialize(to: element)
    count &+= 1
  }

  /// Takes the value at `index` out; nothing where there is none. Linear in what follows.
  mutating func remove(at index: Int) -> Element? {
    guard index >= 0, index < count, let base = unsafe base else { return nil }
    let element = unsafe (base + index).move()
    let rest = count &- index &- 1
    if rest > 0 { unsafe (base + index).moveInitialize(from: base + (index &+ 1), count: rest) }
    count &-= 1
    return element
  }

  /// Takes all values out.
  mutating func removeAll() {
    guard let base = unsafe base else { return }
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
    unsafe self.base = nil
    capacity = 0
    count = 0
  }

  @inline(never)
  private mutating func grow() {
    let wanted = capacity == 0 ? 4 : capacity &* 2
    let fresh = UnsafeMutablePointer<Element>.allocate(capacity: wanted)
    if let base = unsafe base {
      unsafe fresh.moveInitialize(from: base, count: count)
      unsafe base.deallocate()
    }
    unsafe base = unsafe fresh
    capacity = wanted
  }
}
