import Addresses
import Packets

/// Neighbor discovery for IPv6, the host's side (RFC 4861, RFC 4862, RFC 7527).
extension ProtocolStack {
  mutating func receiveDiscovery(
    _ type: NeighborDiscovery.MessageType, _ message: Span<UInt8>, _ header: IPv6Header,
    _ delivery: Delivery
  ) {
    counts.neighborDiscoveryReceived &+= 1
    let number = delivery.arrival.number
    // ND-11: there are no stations on other links, and nobody to ask for one.
    guard interfaces[number].isEthernet else {
      counts.neighborDiscoveryIgnored &+= 1
      return
    }
    do {
      let verifies = !delivery.checksumIsValid
      switch type {
      case .neighborSolicitation:
        let solicitation = try NeighborSolicitation(
          parsing: message, in: header, verifyingChecksum: verifies)
        solicited(solicitation, header, delivery.arrival)
      case .neighborAdvertisement:
        let advertisement = try NeighborAdvertisement(
          parsing: message, in: header, verifyingChecksum: verifies)
        advertised(advertisement, on: number)
      case .routerAdvertisement:
        let advertisement = try RouterAdvertisement(
          parsing: message, in: header, verifyingChecksum: verifies)
        counts.routerAdvertisements &+= 1
        routerAdvertised(advertisement, message, header.source, on: number)
      case .routerSolicitation, .redirect:
        // RFC 4861 §6.2.6: a host's ears are not for it. §8: redirects are not believed (ND-9).
        counts.neighborDiscoveryIgnored &+= 1
      }
    } catch {
      counts.malformed.add(error)
    }
  }

  /// RFC 4861 §7.2.3, RFC 4862 §5.4.3: somebody asks for a station, or wants an address of ours.
  private mutating func solicited(
    _ solicitation: NeighborSolicitation, _ header: IPv6Header, _ arrival: Reception
  ) {
    let number = arrival.number
    guard let place = interfaces[number].place(of: solicitation.target) else {
      counts.neighborDiscoveryIgnored &+= 1
      return
    }
    let address = interfaces[number].addresses[place]
    guard address.isUsable else {
      // RFC 7527 §4.2: our own probe, come back, is no other host's.
      let isOwn = solicitation.nonce == address.nonce
      if header.source.isUnspecified, address.state == .tentative, !isOwn {
        loseOrDefend(place, on: number)
      } else {
        counts.neighborDiscoveryIgnored &+= 1
      }
      return
    }
    if header.source.isUnspecified {
      // The group hears it, since the asking host has no address to answer to.
      counts.addressConflicts &+= 1
      sendAdvertisement(
        for: solicitation.target, from: solicitation.target, to: .allNodes,
        station: EthernetAddress(multicast: IPv6Address.allNodes), isSolicited: false, on: number)
      return
    }
    let station = solicitation.sourceLinkLayerAddress ?? arrival.station
    guard !station.isMulticast, !station.isUnspecified else {
      counts.neighborDiscoveryIgnored &+= 1
      return
    }
    _ = learn(header.source, station: station, isSolicited: false, overrides: true, on: number)
    sendAdvertisement(
      for: solicitation.target, from: solicitation.target, to: header.source, station: station,
      isSolicited: true, on: number)
  }

  private mutating func advertised(_ advertisement: NeighborAdvertisement, on number: UInt32) {
    // RFC 4862 §5.4.4: the address that was wanted is taken; or one that is ours is claimed.
    if let place = interfaces[number].place(of: advertisement.target) {
      loseOrDefend(place, on: number)
      return
    }
    let station = advertisement.targetLinkLayerAddress
    guard station?.isMulticast != true, station != interfaces[number].station,
      learn(
        advertisement.target, station: station, isSolicited: advertisement.isSolicited,
        overrides: advertisement.overrides, on: number)
    else {
      counts.neighborDiscoveryIgnored &+= 1
      return
    }
  }

  mutating func sendAdvertisement(
    for target: IPv6Address, from own: IPv6Address, to destination: IPv6Address,
    station: EthernetAddress, isSolicited: Bool, on number: UInt32
  ) {
    let message = NeighborAdvertisement(
      target: target, isSolicited: isSolicited, overrides: true,
      targetLinkLayerAddress: interfaces[number].station)
    sendDiscovery(
      from: own, to: destination, station: station, on: number, size: message.size
    ) { bytes in message.write(into: &bytes, source: own, destination: destination) }
  }

  /// Queues a message of discovery, which goes to a station that is known or a group.
  mutating func sendDiscovery(
    from own: IPv6Address, to destination: IPv6Address, station: EthernetAddress,
    on number: UInt32, size: Int, _ write: (inout MutableSpan<UInt8>) -> Void
  ) {
    var packet = pool.take()
    guard packet.extend(size) else { return }
    do {
      var bytes = packet.mutableBytes
      write(&bytes)
    }
    guard packet.prepend(IPv6Header.size) else { return }
    do {
      var bytes = packet.mutableBytes
      IPv6Header(
        source: own, destination: destination, nextHeader: .icmpv6, payloadLength: size,
        hopLimit: NeighborDiscovery.hopLimit
      ).write(into: &bytes)
    }
    append(packet, to: station, on: number, isControl: true)
  }
}
