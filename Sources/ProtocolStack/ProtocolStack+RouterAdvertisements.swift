import Addresses
import Packets

/// What routers may decide for this host, where the configuration lets them (RFC 4861 §6.3,
/// RFC 4862 §5.5): default routes, prefixes on the link, addresses, hop limit and MTU. All of it is
/// bounded (ND-6) and none of it can make the host deaf or slow (ND-7).
extension ProtocolStack {
  private static var routerLimit: Int { 8 }
  private static var prefixLimit: Int { 16 }

  mutating func routerAdvertised(
    _ advertisement: RouterAdvertisement, _ message: Span<UInt8>, _ router: IPv6Address,
    on number: UInt32
  ) {
    guard configuration.acceptsRouterAdvertisements else {
      counts.neighborDiscoveryIgnored &+= 1
      return
    }
    interfaces[number].solicitationsLeft = 0
    interfaces[number].solicitationDeadline = .distantFuture
    // CVE-2015-2922: a router cannot keep packets from leaving the link.
    if advertisement.currentHopLimit >= configuration.hopLimit {
      interfaces[number].hopLimit = advertisement.currentHopLimit
    }
    setDefaultRouter(router, lifetime: advertisement.routerLifetime, on: number)
    guard var options = try? RouterAdvertisement.options(in: message) else { return }
    while let option = options.next() {
      switch option {
      case .prefixInformation(let prefix): prefixAdvertised(prefix, by: router, on: number)
      case .mtu(let mtu):
        let wanted = Int(clamping: mtu)
        // RFC 4861 §6.3.4: from IPv6's least to what the link carries.
        if wanted >= 1_280, wanted <= interfaces[number].abilities.mtu {
          setMTU(wanted, on: index(number))
        }
      case .sourceLinkLayerAddress(let station):
        guard !station.isMulticast, !station.isUnspecified else { continue }
        _ = learn(router, station: station, isSolicited: false, overrides: true, on: number)
      case .targetLinkLayerAddress, .redirectedHeader, .nonce, .recursiveNameServer: continue
      }
    }
  }

  private mutating func setDefaultRouter(
    _ router: IPv6Address, lifetime: UInt16, on number: UInt32
  ) {
    guard let everything = Prefix(.v6(.any), length: 0) else { return }
    let interface = index(number)
    let entry = RoutingTable.Entry(
      prefix: everything, gateway: .v6(router), interface: interface, isAutomatic: true,
      validUntil: present + .seconds(Int64(lifetime)))
    routes.remove { $0.isAutomatic && $0.isSameWay(as: entry) }
    guard lifetime > 0 else { return }
    let others = routes.count {
      $0.isAutomatic && $0.interface == interface && $0.gateway != nil
    }
    if others < Self.routerLimit { _ = routes.insert(entry) }
  }

  private mutating func prefixAdvertised(
    _ advertised: PrefixInformation, by router: IPv6Address, on number: UInt32
  ) {
    guard !advertised.prefix.isLinkLocal, !advertised.prefix.isMulticast,
      let prefix = Prefix(.v6(advertised.prefix), length: advertised.prefixLength)?.network
    else { return }
    if advertised.isOnLink { setOnLink(prefix, advertised.validLifetime, on: number) }
    // RFC 4862 §5.5.3 d: prefix and identifier fill the address.
    if advertised.isAutonomous, prefix.length == 64, case .v6(let network) = prefix.address {
      configure(network.high, prefix, advertised, by: router, on: number)
    }
  }

  private mutating func setOnLink(_ prefix: Prefix, _ lifetime: UInt32, on number: UInt32) {
    let interface = index(number)
    let entry = RoutingTable.Entry(
      prefix: prefix, gateway: nil, interface: interface, isAutomatic: true,
      validUntil: end(of: lifetime))
    routes.remove { $0.isAutomatic && $0.isSameWay(as: entry) }
    guard lifetime > 0 else { return }
    let others = routes.count {
      $0.isAutomatic && $0.interface == interface && $0.gateway == nil
    }
    if others < Self.prefixLimit { _ = routes.insert(entry) }
  }

  /// RFC 4862 §5.5.3: an address of the prefix is made, or its life prolonged.
  private mutating func configure(
    _ network: UInt64, _ prefix: Prefix, _ advertised: PrefixInformation, by router: IPv6Address,
    on number: UInt32
  ) {
    let validUntil = end(of: advertised.validLifetime)
    let preferredUntil = end(of: advertised.preferredLifetime)
    for place in interfaces[number].addresses.indices
    where interfaces[number].addresses[place].isAutomatic
      && interfaces[number].addresses[place].prefix.network == prefix
    {
      // Two hours at least, so that a forged message does not end an address at once.
      let left = interfaces[number].addresses[place].validUntil.since(present)
      if advertised.validLifetime > 7_200 || validUntil.since(present) > left {
        interfaces[number].addresses[place].validUntil = validUntil
      } else if left > .seconds(7_200) {
        interfaces[number].addresses[place].validUntil = present + .seconds(7_200)
      }
      interfaces[number].addresses[place].preferredUntil = preferredUntil
      interfaces[number].addresses[place].noteRouter(router)
      if interfaces[number].addresses[place].state == .deprecated, preferredUntil > present {
        interfaces[number].addresses[place].state = .preferred
      }
      interfaces[number].scheduleAddresses()
      return
    }
    guard advertised.validLifetime > 0 else { return }
    let address = IPv6Address(high: network, low: stableIdentifier(for: network, on: number))
    guard let own = Prefix(.v6(address), length: 64) else { return }
    var candidate = InterfaceAddress(own, state: .tentative)
    candidate.isAutomatic = true
    candidate.validUntil = validUntil
    candidate.preferredUntil = preferredUntil
    candidate.noteRouter(router)
    try? assign(candidate, to: number)
  }

  /// All ones is for ever (RFC 4861 §4.6.2).
  private func end(of lifetime: UInt32) -> Instant {
    lifetime == .max ? .distantFuture : present + .seconds(Int64(lifetime))
  }
}
