import Addresses
import SystemPackage

extension HostInterface {
  /// Brings Linux's end of a tunnel to what `configuration` asks, changing only what is missing.
  func configure(
    for configuration: TunnelConfiguration, isNew: Bool
  ) throws(SystemError) {
    let state = try state()
    if let mtu = configuration.mtu, mtu != state.mtu { try setMTU(mtu) }
    if isNew { quiet() }
    let missing = try missingAddresses(for: configuration.addresses)
    for address in missing { try add(address) }
    if !state.isUp { try setUp(true) }
  }

  /// Linux's own address for each of our prefixes in which it has none yet.
  private func missingAddresses(for ours: [Prefix]) throws(SystemError) -> [Prefix] {
    var held = ours.isEmpty ? [] : try addresses()
    var missing: [Prefix] = []
    for prefix in ours {
      if held.contains(where: { $0.address == prefix.address }) {
        throw SystemError(.addressInUse, .addAddress, subject: "\(name) (\(prefix))")
      }
      if held.contains(where: { prefix.covers($0.address) }) { continue }
      guard let address = prefix.firstAddress(besides: ours) else {
        throw SystemError(.addressNotAvailable, .addAddress, subject: "\(name) (\(prefix))")
      }
      held.append(address)
      missing.append(address)
    }
    return missing
  }

  /// Keeps Linux from asking our end for routers and from believing its answers: a tunnel's far
  /// end is a host. A convenience, so a read-only /proc is no error.
  private func quiet() {
    for (setting, value) in [
      ("accept_ra", "0"), ("router_solicitations", "0"), ("dad_transmits", "0"),
    ] {
      try? Syscalls.write(value, to: "/proc/sys/net/ipv6/conf/\(name)/\(setting)")
    }
  }
}

extension Prefix {
  /// Whether `other` lies in this network.
  fileprivate func covers(_ other: IPAddress) -> Bool {
    switch (address, other) {
    case (.v4(let mine), .v4(let other)):
      return (mine.rawValue ^ other.rawValue) & Self.mask32(length) == 0
    case (.v6(let mine), .v6(let other)):
      let (high, low) = Self.mask128(length)
      return (mine.high ^ other.high) & high == 0 && (mine.low ^ other.low) & low == 0
    default:
      return false
    }
  }

  /// The lowest address of this network that a host may have and that is none of `taken`.
  ///
  /// A network of two addresses gives both to hosts (RFC 3021, RFC 6164); in a larger one the
  /// first is the network's own (RFC 1122 §3.2.1.3, RFC 4291 §2.6.1), and in IPv4 the last is the
  /// broadcast address.
  fileprivate func firstAddress(besides taken: [Prefix]) -> Prefix? {
    let width: UInt8 = address.isIPv4 ? 32 : 128
    let hostBits = Int(width - length)
    guard hostBits > 0 else { return nil }
    // No more numbers need a look than there are taken addresses, and one.
    let first = hostBits == 1 ? 0 : 1
    let size = hostBits > 32 ? Int.max : 1 << hostBits
    let end = hostBits == 1 || !address.isIPv4 ? size : size - 1
    for number in first..<min(end, first + taken.count + 1) {
      let candidate = host(number)
      if !taken.contains(where: { $0.address == candidate }) {
        return Prefix(candidate, length: length)
      }
    }
    return nil
  }

  /// The address with this number in the network.
  private func host(_ number: Int) -> IPAddress {
    switch address {
    case .v4(let address):
      let network = address.rawValue & Self.mask32(length)
      return .v4(IPv4Address(rawValue: network | UInt32(truncatingIfNeeded: number)))
    case .v6(let address):
      let (high, low) = Self.mask128(length)
      return .v6(IPv6Address(high: address.high & high, low: address.low & low | UInt64(number)))
    }
  }

  private static func mask32(_ length: UInt8) -> UInt32 { ~0 << (32 - UInt32(min(length, 32))) }

  private static func mask128(_ length: UInt8) -> (high: UInt64, low: UInt64) {
    let length = UInt64(min(length, 128))
    return (~0 << (64 - min(length, 64)), length <= 64 ? 0 : ~0 << (128 - length))
  }
}
