/// What a table answers with where it is asked for an element that it does not have, and how often
/// that was.
///
/// No packet leads there: it would be a mistake of this module's. One connection may pay for it,
/// the process may not, so the mistake reads and writes an element that belongs to nobody, and
/// ``misses`` tells of it. Elements that were put aside for this hold nothing and are linked to
/// nothing: a connection among them is closed, a route leads nowhere.
@safe
struct StandIn<Element: ~Copyable>: ~Copyable, @unchecked Sendable {
  private let element: UnsafeMutablePointer<Element>
  private let count: UnsafeMutablePointer<UInt64>

  init(_ element: consuming Element) {
    unsafe self.element = .allocate(capacity: 1)
    unsafe self.element.initialize(to: element)
    unsafe count = .allocate(capacity: 1)
    unsafe count.initialize(to: 0)
  }

  deinit {
    unsafe element.deinitialize(count: 1)
    unsafe element.deallocate()
    unsafe count.deallocate()
  }

  /// How often there was nothing else to answer with. Anything but zero is a bug.
  var misses: UInt64 { unsafe count.pointee }

  /// Counts, and answers.
  @unsafe @inline(never)
  func answer() -> UnsafeMutablePointer<Element> {
    unsafe count.pointee &+= 1
    return unsafe element
  }
}
