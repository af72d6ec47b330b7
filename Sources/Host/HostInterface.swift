public import Addresses
import CLinux
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A network interface of this machine, as Linux holds it.
///
/// Reading needs no privilege; changing needs CAP_NET_ADMIN in the network namespace. Every call
/// asks the kernel anew.
public struct HostInterface: Hashable, Sendable {
  public let name: String
  /// The kernel's number for it, never reused while the machine runs.
  public let index: UInt32

  /// How an interface stands.
  public struct State: Hashable, Sendable {
    /// The IP MTU in bytes.
    public let mtu: Int
    /// Whether it was brought up.
    public let isUp: Bool
    /// The station's address, where the interface carries Ethernet frames.
    public let ethernetAddress: EthernetAddress?
  }

  /// Finds an interface.
  ///
  /// - Throws: `ENODEV` when there is none of that name.
  public init(named name: String) throws(SystemError) {
    try Self.check(name: name)
    var request = NetlinkMessage(type: RTM_GETLINK, flags: Int(NLM_F_REQUEST | NLM_F_ACK))
    request.appendLinkPart(index: 0)
    request.appendAttribute(IFLA_IFNAME, Array(name.utf8) + [0])
    let answers = try Netlink.request(request, .findInterface, subject: name)
    guard let answer = answers.first(where: { $0.type == RTM_NEWLINK }) else {
      throw SystemError(.noSuchDevice, .findInterface, subject: name)
    }
    self.name = name
    index = answer.uint32(at: NetlinkMessage.headerSize + 4)
  }

  /// Whether an interface of that name stands.
  public static func exists(named name: String) -> Bool {
    (try? HostInterface(named: name)) != nil
  }

  public func state() throws(SystemError) -> State {
    var request = NetlinkMessage(type: RTM_GETLINK, flags: Int(NLM_F_REQUEST | NLM_F_ACK))
    request.appendLinkPart(index: index)
    let answers = try Netlink.request(request, .findInterface, subject: name)
    guard let answer = answers.first(where: { $0.type == RTM_NEWLINK }) else {
      throw SystemError(.noSuchDevice, .findInterface, subject: name)
    }
    let mtu = answer.attribute(IFLA_MTU, after: NetlinkMessage.linkPartSize)
    let flags = answer.uint32(at: NetlinkMessage.headerSize + 8)
    let station = answer.attribute(IFLA_ADDRESS, after: NetlinkMessage.linkPartSize)
    return State(
      mtu: Int(mtu.map(NetlinkMessage.init(received:))?.uint32(at: 0) ?? 0),
      isUp: flags & UInt32(IFF_UP) != 0,
      ethernetAddress: station.flatMap { octets in
        guard octets.count == 6 else { return nil }
        return EthernetAddress(rawValue: octets.reduce(0) { $0 << 8 | UInt64($1) })
      })
  }

  /// The interface's own addresses with their prefix lengths, in the kernel's order.
  public func addresses() throws(SystemError) -> [Prefix] {
    var request = NetlinkMessage(
      type: RTM_GETADDR, flags: Int(NLM_F_REQUEST) | Int(NLM_F_DUMP))
    request.appendAddressPart(family: 0, length: 0, flags: 0, index: 0)
    let answers = try Netlink.request(request, .listAddresses, subject: name)
    var found: [Prefix] = []
    for answer in answers where answer.type == RTM_NEWADDR {
      guard answer.uint32(at: NetlinkMessage.headerSize + 4) == index else { continue }
      let part = NetlinkMessage.addressPartSize
      // On a point-to-point interface IFA_ADDRESS is the other end.
      let bytes =
        answer.attribute(IFA_LOCAL, after: part)
        ?? answer.attribute(IFA_ADDRESS, after: part)
      guard let bytes, let address = IPAddress(octets: bytes) else { continue }
      let length = answer.uint8(at: NetlinkMessage.headerSize + 1)
      if let prefix = Prefix(address, length: length) { found.append(prefix) }
    }
    return found
  }

  /// Gives the interface an address, and with it the route to the prefix. An IPv6 address is usable
  /// at once: there is no other station to detect a duplicate of it (RFC 4862 §5.4 is skipped).
  ///
  /// - Throws: nothing when it has the address already.
  public func add(_ address: Prefix) throws(SystemError) {
    var request = NetlinkMessage(
      type: RTM_NEWADDR,
      flags: Int(NLM_F_REQUEST) | Int(NLM_F_ACK) | Int(NLM_F_CREATE) | Int(NLM_F_EXCL))
    let isIPv4 = address.address.isIPv4
    request.appendAddressPart(
      family: isIPv4 ? AF_INET : AF_INET6, length: address.length,
      flags: isIPv4 ? 0 : UInt8(truncatingIfNeeded: Int(IFA_F_NODAD)), index: index)
    let octets = address.address.octets
    request.appendAttribute(IFA_LOCAL, octets)
    request.appendAttribute(IFA_ADDRESS, octets)
    do {
      _ = try Netlink.request(request, .addAddress, subject: "\(name) (\(address))")
    } catch {
      guard error.errno == .fileExists else { throw error }
    }
  }

  /// Whether this machine takes packets for an address as its own: whether its route says so.
  static func isLocal(_ address: IPAddress) -> Bool {
    var request = NetlinkMessage(type: RTM_GETROUTE, flags: Int(NLM_F_REQUEST | NLM_F_ACK))
    let octets = address.octets
    request.appendRoutePart(family: address.isIPv4 ? AF_INET : AF_INET6, length: octets.count * 8)
    request.appendAttribute(Int(RTA_DST.rawValue), octets)
    // An address without any route is an error, and not this machine's.
    let answers = try? Netlink.request(request, .findRoute, subject: "\(address)")
    return answers?.contains {
      $0.type == RTM_NEWROUTE && $0.uint8(at: NetlinkMessage.headerSize + 7) == RTN_LOCAL
    } ?? false
  }

  /// Sets the IP MTU, in bytes.
  public func setMTU(_ mtu: Int) throws(SystemError) {
    var request = NetlinkMessage(type: RTM_NEWLINK, flags: Int(NLM_F_REQUEST | NLM_F_ACK))
    request.appendLinkPart(index: index)
    request.appendAttribute(IFLA_MTU, UInt32(clamping: mtu))
    _ = try Netlink.request(request, .changeInterface, subject: "\(name) to MTU \(mtu)")
  }

  /// Brings the interface up or down.
  public func setUp(_ isUp: Bool) throws(SystemError) {
    var request = NetlinkMessage(type: RTM_NEWLINK, flags: Int(NLM_F_REQUEST | NLM_F_ACK))
    let up = UInt32(IFF_UP)
    request.appendLinkPart(index: index, flags: isUp ? up : 0, change: up)
    _ = try Netlink.request(
      request, .changeInterface, subject: "\(name) to \(isUp ? "up" : "down")")
  }

  /// Removes a virtual interface. Links to it find themselves ``LinkFault/gone``.
  public func delete() throws(SystemError) {
    var request = NetlinkMessage(type: RTM_DELLINK, flags: Int(NLM_F_REQUEST | NLM_F_ACK))
    request.appendLinkPart(index: index)
    _ = try Netlink.request(request, .deleteInterface, subject: name)
  }

  /// Refuses what the kernel could not take as a name, or would cut.
  static func check(name: String) throws(SystemError) {
    let bytes = name.utf8
    let isSound =
      (1...15).contains(bytes.count) && name != "." && name != ".."
      && bytes.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    guard isSound else { throw SystemError(.invalidArgument, .findInterface, subject: name) }
  }
}

extension NetlinkMessage {
  /// The size of `struct ifinfomsg`.
  fileprivate static let linkPartSize = 16
  /// The size of `struct ifaddrmsg`.
  fileprivate static let addressPartSize = 8

  fileprivate mutating func appendLinkPart(index: UInt32, flags: UInt32 = 0, change: UInt32 = 0) {
    append(UInt8(0))
    append(UInt8(0))
    append(UInt16(0))
    append(index)
    append(flags)
    append(change)
  }

  /// `struct rtmsg`, for the route to one address.
  fileprivate mutating func appendRoutePart(family: Int32, length: Int) {
    append(UInt8(truncatingIfNeeded: family))
    append(UInt8(clamping: length))
    append(UInt16(0))
    append(UInt32(0))
    append(UInt32(0))
  }

  fileprivate mutating func appendAddressPart(
    family: Int32, length: UInt8, flags: UInt8, index: UInt32
  ) {
    append(UInt8(truncatingIfNeeded: family))
    append(length)
    append(flags)
    append(UInt8(0))
    append(index)
  }
}

extension IPAddress {
  /// The address in network order: four octets, or sixteen.
  fileprivate var octets: [UInt8] {
    switch self {
    case .v4(let address):
      return stride(from: 24, through: 0, by: -8).map {
        UInt8(truncatingIfNeeded: address.rawValue >> UInt32($0))
      }
    case .v6(let address):
      return [address.high, address.low].flatMap { half in
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> UInt64($0)) }
      }
    }
  }

  fileprivate init?(octets: [UInt8]) {
    func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    switch octets.count {
    case 4: self = .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: number(octets[...]))))
    case 16: self = .v6(IPv6Address(high: number(octets[..<8]), low: number(octets[8...])))
    default: return nil
    }
  }
}
