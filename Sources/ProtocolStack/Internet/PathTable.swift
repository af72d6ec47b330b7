import Addresses
import Packets

/// What paths carry, where a router said that it is less than the first link does (RFC 1191,
/// RFC 8201), for datagrams; TCP keeps its own account.
///
/// Places are found by a keyed hash, and a new path takes the place of an old one: the table
/// neither grows nor slows down however many reports come (IP6-11), and nobody outside can tell
/// which paths share a place (CVE-2021-20322).
struct PathTable: ~Copyable {
  struct Path: BitwiseCopyable {
    var high: UInt64 = 0
    var low: UInt64 = 0
    var mtu = 0
    /// In nanoseconds.
    var validUntil = Int64.min
  }

  private var paths = MaskedStorage<Path>()
  private(set) var count = 0

  /// RFC 8201 §5.4: after ten minutes a path may have grown again.
  static var lifetime: Interval { .seconds(600) }

  /// - Parameter limit: rounded up to a power of two.
  init(limit: Int) {
    paths.reset(capacity: min(max(limit, 1), 65_536), filling: Path())
  }

  private func place(_ key: IPv6Address, _ secrets: borrowing Secrets) -> Int {
    let hash = secrets.tableHash(key.high, key.low ^ 0x7061_7468)
    return Int(truncatingIfNeeded: hash &>> 8)
  }

  /// Bytes of the largest packet that is known to get there; nothing if the link decides.
  func mtu(to key: IPv6Address, _ secrets: borrowing Secrets, at now: Instant) -> Int? {
    guard count > 0 else { return nil }
    let path = paths[place(key, secrets)]
    let isKnown = path.high == key.high && path.low == key.low
    return isKnown && path.validUntil > now.nanoseconds ? path.mtu : nil
  }

  mutating func learn(
    _ mtu: Int, to key: IPv6Address, _ secrets: borrowing Secrets, at now: Instant
  ) {
    let place = place(key, secrets)
    if paths[place].mtu == 0 { count &+= 1 }
    let end = now + Self.lifetime
    paths[place] = Path(high: key.high, low: key.low, mtu: mtu, validUntil: end.nanoseconds)
  }
}
