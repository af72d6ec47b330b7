import Addresses
import Packets

/// Which of our addresses a packet carries (RFC 6724 §5), as a comparison of two candidates.
///
/// Candidates are the usable addresses of the interface that the packet leaves by, which settles
/// rule 5. Rules 4 and 7 (home and temporary addresses) have nothing to choose from.
struct SourceSelection {
  let destination: IPAddress
  /// The router that the packet goes through, if it does.
  let router: IPAddress?

  /// Whether `a` suits the destination better than `b`.
  func isBetter(_ a: InterfaceAddress, than b: InterfaceAddress) -> Bool {
    // Rule 1: the destination itself.
    if (a.address == destination) != (b.address == destination) {
      return a.address == destination
    }
    // Rule 2: the appropriate scope.
    let (scopeA, scopeB, wanted) = (a.address.scope, b.address.scope, destination.scope)
    if scopeA != scopeB {
      return scopeA < scopeB ? scopeA >= wanted : scopeB < wanted
    }
    // Rule 3: not a deprecated one.
    if (a.state == .deprecated) != (b.state == .deprecated) { return b.state == .deprecated }
    // Rule 5.5: of a prefix that the next hop advertised, for another router may not let it pass.
    if case .v6(let router)? = router, a.isFrom(router) != b.isFrom(router) {
      return a.isFrom(router)
    }
    // Rule 6: the same label.
    let label = Self.label(destination)
    let (matchesA, matchesB) = (
      Self.label(a.address) == label, Self.label(b.address) == label
    )
    if matchesA != matchesB { return matchesA }
    // Rule 8: the longest common prefix, no longer than the subnet's.
    return common(a) > common(b)
  }

  private func common(_ candidate: InterfaceAddress) -> UInt8 {
    min(Prefix.commonLength(candidate.address, destination), candidate.prefix.length)
  }

  /// The labels of the default policy table (RFC 6724 §2.1).
  static func label(_ address: IPAddress) -> UInt8 {
    guard case .v6(let address) = address else { return 4 }
    if address.isLoopback { return 0 }
    if address.isIPv4Mapped { return 4 }
    if address.high &>> 48 == 0x2002 { return 2 }
    if address.high &>> 32 == 0x2001_0000 { return 5 }
    if address.isUniqueLocal { return 13 }
    if address.isSiteLocal { return 11 }
    if address.high &>> 48 == 0x3FFE { return 12 }
    if address.high == 0, address.low &>> 32 == 0 { return 3 }
    return 1
  }
}
