import Addresses
import Packets
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
    try awaitAddresses(missing)
  }

  /// Waits until Linux takes packets for its new addresses. The kernel makes the route to an IPv6
  /// address its own in a work queue, and until then drops what the far end sends there. Where
  /// that takes two seconds, what comes meanwhile is lost after all.
  private func awaitAddresses(_ added: [Prefix]) throws(SystemError) {
    var rest = added.filter { !$0.address.isIPv4 }
    guard !rest.isEmpty else { return }
    var poller = try EpollPoller()
    let end = HostClock.now() + .seconds(2)
    while HostClock.now() < end {
      rest.removeAll { Self.isLocal($0.address) }
      if rest.isEmpty { return }
      _ = try poller.wait(atMost: .milliseconds(1))
    }
  }

  /// Linux's own address for each of our prefixes in which it has none yet.
  private func missingAddresses(for ours: [Prefix]) throws(SystemError) -> [Prefix] {
    var held = ours.isEmpty ? [] : try addresses()
    var missing: [Prefix] = []
    for prefix in ours {
      if held.contains(where: { $0.address == prefix.address }) {
        throw SystemError(.addressInUse, .addAddress, subject: "\(name) (\(prefix))")
      }
      if held.contains(where: { prefix.contains($0.address) }) { continue }
      guard let host = prefix.firstHost(excluding: ours.map(\.address)),
        let address = Prefix(host, length: prefix.length)
      else {
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
