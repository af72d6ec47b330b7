import Packets

/// An endless stream in which every byte is told by its position: what senders send and receivers
/// verify, so that a byte lost, doubled, moved or taken from another flow is seen where it arrives.
///
/// The bytes are pseudo-random with a prime period (65,521), so that no shift by a segment, a
/// window or a power of two maps the stream onto itself, and flows differ in where they begin.
public struct BytePattern: Sendable {
  /// Bytes after which the stream repeats.
  public static var period: Int { 65_521 }
  /// The most bytes one ``bytes(at:limit:)`` gives.
  public static var longestSlice: Int { 65_536 }

  /// Two periods and a bit, so that a slice never wraps.
  private static let table: [UInt8] = {
    var random = RandomSource(seed: 0x7061_7474_6572_6E)
    var table: [UInt8] = []
    table.reserveCapacity(period + longestSlice)
    for _ in 0..<period { table.append(UInt8(truncatingIfNeeded: random.next() >> 24)) }
    for index in 0..<longestSlice { table.append(table[index]) }
    return table
  }()

  private let table: [UInt8]
  private let start: UInt64

  /// - Parameter flow: tells streams apart; equal numbers give equal streams.
  public init(flow: UInt64) {
    table = Self.table
    var random = RandomSource(seed: flow)
    start = UInt64(random.next(below: Self.period))
  }

  /// Up to `limit` bytes of the stream from `position` on; fewer where `limit` is above
  /// ``longestSlice``.
  @_lifetime(borrow self)
  public func bytes(at position: UInt64, limit: Int) -> Span<UInt8> {
    let offset = Int((position % UInt64(Self.period) + start) % UInt64(Self.period))
    return table.span.slice(from: offset, length: min(limit, Self.longestSlice))
  }

  /// How many of `bytes` agree with the stream at `position`: all of them, or the index of the
  /// first that does not. Linear in their number.
  public func agreement(of bytes: Span<UInt8>, at position: UInt64) -> Int {
    var done = 0
    while done < bytes.count {
      let piece = bytes.slice(from: done, length: Self.longestSlice)
      let agreed = piece.commonPrefix(
        with: self.bytes(at: position &+ UInt64(done), limit: piece.count))
      done &+= agreed
      if agreed < piece.count { return done }
    }
    return done
  }
}
