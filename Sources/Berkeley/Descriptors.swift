import Host
import Synchronization
import SystemPackage

/// The descriptors of this process, and its nodes.
///
/// As POSIX has it, a new descriptor is the lowest that is free, here from 512 on.
final class Descriptors: Sendable {
  static let shared = Descriptors()

  /// What a descriptor names.
  enum Entry: Sendable {
    case socket(SocketReference)
    case epoll(Epoll)
  }

  private struct Tables: Sendable {
    var entries: [Entry?] = []
    /// The lowest place that may be free.
    var lowestFree = 0
    var nodes: [Node?] = []
  }

  static let first = 512
  /// One more is refused with `EMFILE`.
  private static let limit = 1 << 20

  private let tables = Mutex(Tables())

  subscript(descriptor: CInt) -> Entry? {
    let place = Int(descriptor) - Self.first
    return tables.withLock { tables in
      tables.entries.indices.contains(place) ? tables.entries[place] : nil
    }
  }

  /// - Throws: `EBADF`; `ENOTSOCK` for an epoll instance.
  func socket(_ descriptor: CInt) throws(Errno) -> SocketReference {
    switch self[descriptor] {
    case .socket(let reference): return reference
    case .epoll: throw .notSocket
    case nil: throw .badFileDescriptor
    }
  }

  func insert(_ entry: Entry) throws(Errno) -> CInt {
    let place = tables.withLock { tables -> Int? in
      var place = tables.lowestFree
      while place < tables.entries.count, tables.entries[place] != nil { place += 1 }
      guard place < Self.limit else { return nil }
      if place == tables.entries.count { tables.entries.append(nil) }
      tables.entries[place] = entry
      tables.lowestFree = place + 1
      return place
    }
    guard let place else { throw .tooManyOpenFiles }
    return CInt(Self.first + place)
  }

  func remove(_ descriptor: CInt) -> Entry? {
    let place = Int(descriptor) - Self.first
    return tables.withLock { tables in
      guard tables.entries.indices.contains(place), let entry = tables.entries[place] else {
        return nil
      }
      tables.entries[place] = nil
      tables.lowestFree = min(tables.lowestFree, place)
      return entry
    }
  }

  // MARK: Nodes

  /// - Parameter number: nil for the first that is open.
  func node(_ number: Int?) -> Node? {
    tables.withLock { tables in
      guard let number else { return tables.nodes.lazy.compactMap(\.self).first }
      return tables.nodes.indices.contains(number) ? tables.nodes[number] : nil
    }
  }

  /// A number for a node to be.
  func reserveNode() -> Int {
    tables.withLock { tables in
      tables.nodes.append(nil)
      return tables.nodes.count - 1
    }
  }

  func add(_ node: Node) { tables.withLock { $0.nodes[node.number] = node } }

  /// Forgets a node and the descriptors of its sockets.
  func removeNode(_ number: Int) -> Node? {
    tables.withLock { tables in
      guard tables.nodes.indices.contains(number), let node = tables.nodes[number] else {
        return nil
      }
      tables.nodes[number] = nil
      for place in tables.entries.indices {
        guard case .socket(let reference) = tables.entries[place], reference.node === node else {
          continue
        }
        tables.entries[place] = nil
        tables.lowestFree = min(tables.lowestFree, place)
      }
      return node
    }
  }
}
