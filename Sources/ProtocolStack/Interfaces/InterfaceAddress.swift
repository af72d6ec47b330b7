public import Addresses
public import Packets

/// An address of an interface, and how far it may be used.
public struct InterfaceAddress: Hashable, Sendable {
  /// The life of an address (RFC 4862 §5.4 and §5.5.4; for IPv4 likewise, RFC 5227 §2.1).
  public enum State: UInt8, Sendable {
    /// Others are being asked whether it is theirs; nothing is sent from it or received at it.
    case tentative
    case preferred
    /// Still ours, but no longer chosen for new conversations.
    case deprecated
    /// Another station has it; it is not used.
    case duplicate
  }

  /// The address and the length of the prefix that is on the link.
  public var prefix: Prefix
  public var state: State
  /// Whether a router's advertisement made it.
  public var isAutomatic = false
  /// When it stops being preferred, and when it stops being an address.
  public var preferredUntil = Instant.distantFuture
  public var validUntil = Instant.distantFuture

  /// The routers that advertised its prefix: the first of them, and the latest other one.
  var firstRouter: IPv6Address?
  var otherRouter: IPv6Address?

  /// In mapped form, ready to be compared.
  let key: IPv6Address
  /// While tentative: probes still to be sent, and when the next step is due.
  var probesLeft = 0
  var deadline = Instant.distantFuture
  /// By which our own probe is known when it comes back to us (RFC 7527).
  var nonce: UInt64 = 0
  /// When the address was last defended against another claim (RFC 5227 §2.4).
  var lastDefence: Instant?

  init(_ prefix: Prefix, state: State) {
    self.prefix = prefix
    self.state = state
    key = prefix.address.mapped
  }

  public var address: IPAddress { prefix.address }

  /// Whether the router advertised the address's prefix.
  func isFrom(_ router: IPv6Address) -> Bool { firstRouter == router || otherRouter == router }

  mutating func noteRouter(_ router: IPv6Address) {
    if firstRouter == nil { firstRouter = router }
    if firstRouter != router { otherRouter = router }
  }

  /// Whether packets may carry it.
  @inline(__always)
  public var isUsable: Bool { state == .preferred || state == .deprecated }
}
