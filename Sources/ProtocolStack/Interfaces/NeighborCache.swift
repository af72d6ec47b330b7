import Addresses
import Packets

/// The neighbours of one interface, found by a keyed hash.
///
/// Entries are made only by our own sending (ARP-3, ND-8): nothing that arrives unasked can fill
/// the cache. At the limit the one not used for longest makes room; of those still being asked for,
/// there is a smaller limit, so that a scan cannot push out neighbours that are known.
struct NeighborCache: ~Copyable {
  var entries: Slots<Neighbor>
  private var table = FlowTable()
  private var unresolved = 0
  private let unresolvedLimit: Int
  /// The neighbour used last: bulk traffic finds its next hop without a hash.
  private var recent: UInt32 = .max
  /// Not later than the earliest deadline of an entry.
  private(set) var deadline = Instant.distantFuture

  init(limit: Int, unresolvedLimit: Int) {
    entries = Slots(limit: limit, standIn: Neighbor(key: .any, hash: 0, at: .zero))
    self.unresolvedLimit = max(unresolvedLimit, 1)
  }

  var count: Int { entries.count }
  var unresolvedCount: Int { unresolved }

  /// The slot of a neighbour, if it is known.
  @inline(__always)
  mutating func find(_ key: IPv6Address, _ secrets: borrowing Secrets) -> UInt32? {
    if entries.contains(recent), entries[recent].key == key { return recent }
    let hash = secrets.tableHash(key.high, key.low)
    var candidate = table.first(hash)
    while let found = candidate {
      if entries.contains(found.slot), entries[found.slot].key == key {
        recent = found.slot
        return found.slot
      }
      candidate = table.next(hash, after: found.place)
    }
    return nil
  }

  /// Makes an entry for a neighbour that is about to be asked for the first time. The caller has
  /// made room with ``victim(at:)``.
  mutating func insert(
    _ key: IPv6Address, _ secrets: borrowing Secrets, at now: Instant
  ) -> UInt32? {
    let hash = secrets.tableHash(key.high, key.low)
    guard let slot = entries.insert(Neighbor(key: key, hash: hash, at: now)) else { return nil }
    table.insert(hash, slot: slot)
    unresolved &+= 1
    return slot
  }

  /// Who must go before another neighbour can be asked for; nobody while there is room. Linear in
  /// the number of neighbours, which is limited.
  func victim() -> UInt32? {
    let isScanned = unresolved >= unresolvedLimit
    guard isScanned || entries.count >= entries.limit else { return nil }
    var oldest: UInt32?
    for slot in entries.indices where entries.contains(slot) {
      if isScanned, entries[slot].state != .incomplete { continue }
      if let known = oldest, entries[slot].lastUsed >= entries[known].lastUsed { continue }
      oldest = slot
    }
    return oldest
  }

  /// Forgets a neighbour.
  ///
  /// - Returns: the entry, with the packets that waited for it.
  mutating func remove(_ slot: UInt32) -> Neighbor? {
    guard let entry = entries.remove(slot) else { return nil }
    table.remove(entry.hash, slot: slot)
    if entry.state == .incomplete { unresolved &-= 1 }
    return entry
  }

  /// Enters a state that ends at `deadline`.
  mutating func enter(_ state: Neighbor.State, _ slot: UInt32, until deadline: Instant) {
    if (entries[slot].state == .incomplete) != (state == .incomplete) {
      unresolved &+= state == .incomplete ? 1 : -1
    }
    if entries[slot].state != state { entries[slot].tries = 0 }
    entries[slot].state = state
    schedule(slot, at: deadline)
  }

  mutating func schedule(_ slot: UInt32, at deadline: Instant) {
    entries[slot].deadline = deadline
    self.deadline = min(self.deadline, deadline)
  }

  /// The slot of a neighbour whose state has ended; nothing when none is left, and then
  /// ``deadline`` is right again.
  mutating func nextDue(at now: Instant) -> UInt32? {
    guard deadline <= now else { return nil }
    var earliest = Instant.distantFuture
    for slot in entries.indices where entries.contains(slot) {
      if entries[slot].deadline <= now { return slot }
      earliest = min(earliest, entries[slot].deadline)
    }
    deadline = earliest
    return nil
  }
}
