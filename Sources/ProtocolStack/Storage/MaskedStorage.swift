/// A run of plain values whose length is a power of two and whose indices wrap around it.
///
/// Since every index is masked, none can miss: the storage under rings, open-addressing tables and
/// small sorted lists, with no check that could trap. Growing doubles the length.
@safe
struct MaskedStorage<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
  private var base: UnsafeMutablePointer<Element>?
  private var mask: Int

  /// Nothing is allocated until the first ``grow(filling:)``.
  init() {
    unsafe base = nil
    mask = -1
  }

  deinit { unsafe base?.deallocate() }

  /// The number of places: zero or a power of two.
  @inline(__always)
  var capacity: Int { mask &+ 1 }

  /// The value at `index`, wrapped around the capacity. The capacity must not be zero.
  @inline(__always)
  subscript(index: Int) -> Element {
    get { unsafe base.unsafelyUnwrapped[index & mask] }
    set { unsafe base.unsafelyUnwrapped[index & mask] = newValue }
  }

  /// Makes room for at least `minimum` values, twice as many as before at least, all of them
  /// `value`. What was there is gone: the owner re-inserts from what ``replace(with:)`` answers.
  @inline(never)
  mutating func reset(capacity minimum: Int, filling value: Element) {
    var capacity = 4
    while capacity < minimum { capacity &*= 2 }
    let fresh = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    unsafe fresh.initialize(repeating: value, count: capacity)
    unsafe base?.deallocate()
    unsafe base = fresh
    mask = capacity &- 1
  }

  /// Doubles the capacity. The values from place `first` on keep their order and begin at place
  /// zero; the new half is `value`.
  @inline(never)
  mutating func grow(rotatingFrom first: Int, filling value: Element) {
    let old = capacity
    let new = old == 0 ? 4 : old &* 2
    let fresh = UnsafeMutablePointer<Element>.allocate(capacity: new)
    unsafe fresh.initialize(repeating: value, count: new)
    var index = 0
    while index < old {
      unsafe fresh[index] = self[first &+ index]
      index &+= 1
    }
    unsafe base?.deallocate()
    unsafe base = fresh
    mask = new &- 1
  }

  /// Frees the memory.
  mutating func removeAll() {
    unsafe base?.deallocate()
    unsafe base = nil
    mask = -1
  }
}
