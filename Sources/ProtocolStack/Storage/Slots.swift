/// A table of noncopyable values under generational handles, mutated in place.
///
/// Pages of 128 slots are made as they are needed and never move, so a value is never copied and an
/// idle table is small. Every access is checked against the slot's occupancy; a stale or invented
/// index finds the ``StandIn``. Insertion and removal take constant time; so does every look-up.
@safe
struct Slots<Element: ~Copyable>: ~Copyable, @unchecked Sendable {
  private static var pageShift: Int { 7 }
  private static var pageSize: Int { 128 }

  @safe
  struct Page {
    var elements: UnsafeMutablePointer<Element>
    /// Even: free. Odd: occupied. Counts up with each change.
    var generations: UnsafeMutablePointer<UInt32>
  }

  private var pages: UnsafeMutablePointer<Page>
  private var pageCount = 0
  private var free: [UInt32] = []
  private let standIn: StandIn<Element>
  /// The most elements this table holds; insertion beyond it is refused.
  let limit: Int
  private(set) var count = 0

  /// - Parameter standIn: an element without a life of its own.
  init(limit: Int, standIn: consuming Element) {
    self.limit = limit
    self.standIn = StandIn(standIn)
    let most = (limit &+ Self.pageSize &- 1) / Self.pageSize
    unsafe pages = .allocate(capacity: most > 0 ? most : 1)
  }

  deinit {
    for page in 0..<pageCount {
      for slot in 0..<Self.pageSize where unsafe pages[page].generations[slot] & 1 == 1 {
        unsafe pages[page].elements.advanced(by: slot).deinitialize(count: 1)
      }
      unsafe pages[page].elements.deallocate()
      unsafe pages[page].generations.deallocate()
    }
    unsafe pages.deallocate()
  }

  /// One past the highest index ever used: the bound for walking all slots.
  var indices: Range<UInt32> { 0..<UInt32(truncatingIfNeeded: pageCount &* Self.pageSize) }

  /// Whether the slot is occupied.
  @inline(__always)
  func contains(_ index: UInt32) -> Bool {
    let page = Int(index) &>> Self.pageShift
    guard page < pageCount else { return false }
    return unsafe pages[page].generations[Int(index) & (Self.pageSize &- 1)] & 1 == 1
  }

  /// Whether the slot is occupied by the element that was given this generation.
  @inline(__always)
  func contains(_ index: UInt32, generation: UInt32) -> Bool {
    contains(index) && self.generation(index) == generation
  }

  /// The generation of an occupied slot; zero for a free one.
  @inline(__always)
  func generation(_ index: UInt32) -> UInt32 {
    guard contains(index) else { return 0 }
    return unsafe pages[Int(index) &>> Self.pageShift]
      .generations[Int(index) & (Self.pageSize &- 1)]
  }

  /// How often a slot was used that is free.
  var misses: UInt64 { standIn.misses }

  /// The element in an occupied slot. Ask ``contains(_:)`` first: to use a free slot is a mistake
  /// of this module's, never of the network's; it meets the ``StandIn``, and is counted.
  subscript(index: UInt32) -> Element {
    @inline(__always)
    unsafeAddress {
      guard contains(index) else { return unsafe UnsafePointer(standIn.answer()) }
      return unsafe UnsafePointer(
        pages[Int(index) &>> Self.pageShift].elements + (Int(index) & (Self.pageSize &- 1)))
    }
    @inline(__always)
    unsafeMutableAddress {
      guard contains(index) else { return unsafe standIn.answer() }
      return unsafe pages[Int(index) &>> Self.pageShift].elements
        + (Int(index) & (Self.pageSize &- 1))
    }
  }

  /// Moves an element in.
  ///
  /// - Returns: its slot, or nothing where the table is at its limit (the element is dropped).
  mutating func insert(_ element: consuming Element) -> UInt32? {
    guard count < limit else { return nil }
    if free.isEmpty { addPage() }
    guard let index = free.popLast() else { return nil }
    let page = Int(index) &>> Self.pageShift
    let slot = Int(index) & (Self.pageSize &- 1)
    unsafe pages[page].elements.advanced(by: slot).initialize(to: element)
    unsafe pages[page].generations[slot] &+= 1
    count &+= 1
    return index
  }

  /// Moves an element out and frees its slot.
  mutating func remove(_ index: UInt32) -> Element? {
    guard contains(index) else { return nil }
    let page = Int(index) &>> Self.pageShift
    let slot = Int(index) & (Self.pageSize &- 1)
    unsafe pages[page].generations[slot] &+= 1
    count &-= 1
    free.append(index)
    return unsafe pages[page].elements.advanced(by: slot).move()
  }

  private mutating func addPage() {
    let elements = UnsafeMutablePointer<Element>.allocate(capacity: Self.pageSize)
    let generations = UnsafeMutablePointer<UInt32>.allocate(capacity: Self.pageSize)
    unsafe generations.initialize(repeating: 0, count: Self.pageSize)
    unsafe pages.advanced(by: pageCount).initialize(
      to: Page(elements: elements, generations: generations))
    let first = pageCount &* Self.pageSize
    pageCount &+= 1
    var slot = Self.pageSize
    while slot > 0 {
      slot &-= 1
      let index = first &+ slot
      if index < limit { free.append(UInt32(truncatingIfNeeded: index)) }
    }
  }
}
