import Addresses
import BasicContainers
import Packets

/// What paths carry, where a router said that it is less than the first link does (RFC 1191,
/// RFC 8201), for datagrams; TCP keeps its own account.
///
/// Places are found by a keyed hash, and a new path takes the place of an old one: the table
/// neither grows nor slows down however many reports come (IP6-11), and nobody outside can tell
/// which paths share a place (CVE-2021-20322).
struct PathTable: ~Copyable {
  struct Path {
    var key = IPv6Address.any
    var mtu = 0
    var validUntil = Instant(nanoseconds: .min)
  }

  private var paths: UniqueArray<Path>
  private(set) var count = 0

  /// RFC 8201 §5.4: after ten minutes a path may have grown again.
  static var lifetime: Interval { .seconds(600) }

  init(limit: Int) {
    paths = UniqueArray(repeating: Path(), count: limit < 1 ? 1 : limit)
  }

  private func place(_ key: IPv6Address, _ secrets: borrowing Secrets) -> Int {
    let hash = secrets.tableHash(key.high, key.low ^ 0x7061_7468)
    return Int(truncatingIfNeeded: hash &>> 8) % paths.count
  }

  /// Bytes of the largest packet that is known to get there; nothing if the link decides.
  func mtu(to key: IPv6Address, _ secrets: borrowing Secrets, at now: Instant) -> Int? {
    guard count > 0 else { return nil }
    let path = paths[place(key, secrets)]
    return path.key == key && path.validUntil > now ? path.mtu : nil
  }

  mutating func learn(
    _ mtu: Int, to key: IPv6Address, _ secrets: borrowing Secrets, at now: Instant
  ) {
    let place = place(key, secrets)
    if paths[place].mtu == 0 { count &+= 1 }
    paths[place] = Path(key: key, mtu: mtu, validUntil: now + Self.lifetime)
  }
}
