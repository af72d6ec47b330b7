import Addresses
import Packets

/// Which way to which destination: routes sorted by prefix length, the longest first.
///
/// Looking one up is linear in the number of routes, which for a host is a handful; connections
/// remember the answer.
struct RoutingTable: ~Copyable {
  struct Entry {
    /// With all host bits zero.
    var prefix: Prefix
    /// The router; nothing where the destinations are neighbours.
    var gateway: IPAddress?
    var interface: InterfaceIndex
    /// Whether a router's advertisement made it.
    var isAutomatic = false
    var validUntil = Instant.distantFuture
  }

  private var entries = List(
    standIn: Entry(
      prefix: Prefix(host: .v6(.any)), gateway: nil, interface: InterfaceIndex(rawValue: 0)))
  let limit: Int
  /// When the next route ends.
  private(set) var deadline = Instant.distantFuture

  init(limit: Int) { self.limit = limit }

  var count: Int { entries.count }
  var misses: UInt64 { entries.misses }

  func entry(at place: Int) -> Entry? { place < entries.count ? entries[place] : nil }

  /// Enters a route; one to the same prefix through the same gateway and interface is replaced.
  ///
  /// - Returns: false where the table is full.
  mutating func insert(_ entry: Entry) -> Bool {
    remove { $0.isSameWay(as: entry) }
    guard entries.count < limit else { return false }
    var place = 0
    // Among equals the first one entered wins, and what was said by hand before what was heard.
    while place < entries.count, !entry.precedes(entries[place]) { place &+= 1 }
    entries.insert(entry, at: place)
    deadline = min(deadline, entry.validUntil)
    return true
  }

  /// Takes out every route that is meant. Linear in their number.
  mutating func remove(where isMeant: (Entry) -> Bool) {
    var place = 0
    while place < entries.count {
      if isMeant(entries[place]) {
        _ = entries.remove(at: place)
      } else {
        place &+= 1
      }
    }
  }

  /// How many routes are meant.
  func count(where isMeant: (Entry) -> Bool) -> Int {
    var number = 0
    var place = 0
    while place < entries.count {
      if isMeant(entries[place]) { number &+= 1 }
      place &+= 1
    }
    return number
  }

  /// The route with the longest prefix that contains `destination`, on `interface` if one is given.
  func lookUp(_ destination: IPAddress, on interface: InterfaceIndex? = nil) -> Entry? {
    var place = 0
    while place < entries.count {
      let entry = entries[place]
      if interface == nil || entry.interface == interface, entry.prefix.contains(destination) {
        return entry
      }
      place &+= 1
    }
    return nil
  }

  /// Forgets the routes whose time is over.
  mutating func expire(at now: Instant) {
    guard deadline <= now else { return }
    remove { $0.validUntil <= now }
    var earliest = Instant.distantFuture
    var place = 0
    while place < entries.count {
      earliest = min(earliest, entries[place].validUntil)
      place &+= 1
    }
    deadline = earliest
  }
}

extension RoutingTable.Entry {
  func isSameWay(as other: Self) -> Bool {
    prefix == other.prefix && gateway == other.gateway && interface == other.interface
  }

  func precedes(_ other: Self) -> Bool {
    if prefix.length != other.prefix.length { return prefix.length > other.prefix.length }
    return !isAutomatic && other.isAutomatic
  }
}
