import Addresses
import Packets

/// The life of our addresses: asking for duplicates, announcing, ageing (RFC 4862 §5.4, §5.5.4;
/// RFC 5227 §2.1, §2.3, with one probe and one announcement in place of three and two).
extension ProtocolStack {
  /// Between probes, and from the last one until the address is ours.
  private static var probeInterval: Interval { .seconds(1) }

  /// Takes the next step for every address whose time has come.
  mutating func advanceAddresses(_ number: UInt32) {
    guard interfaces[number].addressDeadline <= present else { return }
    var place = 0
    while place < interfaces[number].addresses.count {
      if interfaces[number].addresses[place].validUntil <= present {
        forget(place, on: number)
        continue
      }
      if interfaces[number].addresses[place].state == .preferred,
        interfaces[number].addresses[place].preferredUntil <= present
      {
        interfaces[number].addresses[place].state = .deprecated
      }
      if interfaces[number].addresses[place].preferredUntil <= present {
        interfaces[number].addresses[place].preferredUntil = .distantFuture
      }
      if interfaces[number].addresses[place].deadline <= present { probe(place, on: number) }
      place &+= 1
    }
    interfaces[number].scheduleAddresses()
  }

  /// Asks once more whether somebody has the address, or takes it.
  private mutating func probe(_ place: Int, on number: UInt32) {
    guard interfaces[number].addresses[place].state == .tentative else {
      interfaces[number].addresses[place].deadline = .distantFuture
      return
    }
    guard interfaces[number].addresses[place].probesLeft > 0 else {
      interfaces[number].addresses[place].state = .preferred
      interfaces[number].addresses[place].deadline = .distantFuture
      announce(place, on: number)
      return
    }
    interfaces[number].addresses[place].probesLeft &-= 1
    interfaces[number].addresses[place].deadline = present + Self.probeInterval
    let nonce = interfaces[number].addresses[place].nonce
    switch interfaces[number].addresses[place].address {
    case .v4(let address):
      sendARP(
        .request, from: .any, for: address, targetStation: EthernetAddress(rawValue: 0),
        to: .broadcast, on: number)
    case .v6(let address):
      let group = address.solicitedNode
      let message = NeighborSolicitation(target: address, nonce: nonce)
      sendDiscovery(
        from: .any, to: group, station: EthernetAddress(multicast: group), on: number,
        size: message.size
      ) { bytes in message.write(into: &bytes, source: .any, destination: group) }
    }
  }

  /// Tells everybody that the address is ours, so that what they knew before is corrected.
  mutating func announce(_ place: Int, on number: UInt32) {
    guard interfaces[number].isEthernet else { return }
    switch interfaces[number].addresses[place].address {
    case .v4(let address):
      sendARP(
        .request, from: address, for: address, targetStation: EthernetAddress(rawValue: 0),
        to: .broadcast, on: number)
    case .v6(let address):
      sendAdvertisement(
        for: address, from: address, to: .allNodes,
        station: EthernetAddress(multicast: IPv6Address.allNodes), isSolicited: false, on: number)
      beginSolicitingRouters(for: address, on: number)
    }
  }

  /// RFC 4861 §6.3.7: with a link-local address in place, routers can be asked.
  private mutating func beginSolicitingRouters(for address: IPv6Address, on number: UInt32) {
    guard configuration.acceptsRouterAdvertisements, address.isLinkLocal,
      interfaces[number].solicitationDeadline == .distantFuture
    else { return }
    interfaces[number].solicitationsLeft = 3
    interfaces[number].solicitationDeadline = present
    advanceSolicitations(number)
  }

  mutating func advanceSolicitations(_ number: UInt32) {
    guard interfaces[number].solicitationDeadline <= present else { return }
    guard interfaces[number].solicitationsLeft > 0,
      let own = interfaces[number].linkLocalAddress
    else {
      interfaces[number].solicitationDeadline = .distantFuture
      return
    }
    interfaces[number].solicitationsLeft &-= 1
    interfaces[number].solicitationDeadline =
      interfaces[number].solicitationsLeft == 0 ? .distantFuture : present + .seconds(4)
    let message = RouterSolicitation(sourceLinkLayerAddress: interfaces[number].station)
    sendDiscovery(
      from: own, to: .allRouters,
      station: EthernetAddress(multicast: IPv6Address.allRouters), on: number, size: message.size
    ) { bytes in message.write(into: &bytes, source: own, destination: .allRouters) }
  }
}
