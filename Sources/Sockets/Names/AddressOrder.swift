import Addresses

/// The order in which to try the addresses of a name (RFC 6724 §6).
struct AddressOrder {
  /// What is known of the address that a node would use towards another.
  enum Source: Hashable, Sendable {
    case known(IPAddress)
    /// There is none: the address cannot be reached.
    case none
    /// The node does not say.
    case unknown
  }

  private let candidates: [(address: SocketAddress, source: Source)]

  init(_ candidates: [(SocketAddress, Source)]) {
    self.candidates = candidates.map { (address: $0.0, source: $0.1) }
  }

  /// The addresses in order; equals stay as they were (rule 10).
  var sorted: [SocketAddress] {
    candidates.enumerated().sorted { a, b in
      switch Self.compare(a.element, b.element) {
      case 0: a.offset < b.offset
      case let order: order < 0
      }
    }.map(\.element.address)
  }

  /// Below zero where `a` comes first. Rules 3, 4 and 7 ask for what nobody here knows.
  private static func compare(
    _ a: (address: SocketAddress, source: Source), _ b: (address: SocketAddress, source: Source)
  ) -> Int {
    let (first, second) = (a.address.address, b.address.address)
    // Rule 1: no unusable ones.
    if (a.source == .none) != (b.source == .none) { return b.source == .none ? -1 : 1 }
    if case .known(let sourceA) = a.source, case .known(let sourceB) = b.source {
      // Rule 2: the scope of the source.
      let (suitsA, suitsB) = (sourceA.scope == first.scope, sourceB.scope == second.scope)
      if suitsA != suitsB { return suitsA ? -1 : 1 }
      // Rule 5: the label of the source.
      let (labelA, labelB) = (
        policy(sourceA).label == policy(first).label,
        policy(sourceB).label == policy(second).label
      )
      if labelA != labelB { return labelA ? -1 : 1 }
    }
    // Rule 6: the higher precedence.
    let precedence = policy(second).precedence - policy(first).precedence
    if precedence != 0 { return precedence }
    // Rule 8: the smaller scope.
    if first.scope != second.scope { return first.scope < second.scope ? -1 : 1 }
    // Rule 9: the longer prefix in common with the source, within the network's half. For IPv4 it
    // would undo the order in which servers spread load, as all resolvers found.
    if first.isIPv6, second.isIPv6, case .known(let sourceA) = a.source,
      case .known(let sourceB) = b.source
    {
      let common = (
        min(Prefix.commonLength(sourceA, first), 64), min(Prefix.commonLength(sourceB, second), 64)
      )
      if common.0 != common.1 { return common.0 > common.1 ? -1 : 1 }
    }
    return 0
  }

  /// The default policy table (RFC 6724 §2.1).
  private static func policy(_ address: IPAddress) -> (precedence: Int, label: Int) {
    guard case .v6(let address) = address, !address.isIPv4Mapped else { return (35, 4) }
    if address.isLoopback { return (50, 0) }
    if address.high >> 48 == 0x2002 { return (30, 2) }
    if address.high >> 32 == 0x2001_0000 { return (5, 5) }
    if address.isUniqueLocal { return (3, 13) }
    if address.isSiteLocal { return (1, 11) }
    if address.high >> 48 == 0x3FFE { return (1, 12) }
    if address.high == 0, address.low >> 32 == 0 { return (1, 3) }
    return (40, 1)
  }
}
