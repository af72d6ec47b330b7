import Addresses
import Packets

/// Which way a packet goes, and which of our addresses it carries.
extension ProtocolStack {
  /// The route for a new flow.
  ///
  /// - Parameters:
  ///   - destination: unicast, or a group.
  ///   - source: the address the flow is bound to; nothing or the unspecified one: chosen.
  ///   - zone: the interface's number, where the user named one.
  /// - Throws: `networkUnreachable`, `addressNotAvailable` (IP6-14: no usable source).
  func route(
    to destination: IPAddress, from source: IPAddress?, zone: UInt32
  ) throws(StackError) -> Route {
    let key = destination.mapped
    let bound = source.flatMap { $0.isUnspecified ? nil : $0 }
    if let bound {
      guard bound.isIPv4 == destination.isIPv4 else { throw .addressFamilyNotSupported }
      guard maySend(from: bound.mapped) || bound.isLoopback else { throw .addressNotAvailable }
    }
    if isLocal(key) {
      return loopbackRoute(to: destination, from: bound)
    }
    guard !destination.isUnspecified, !destination.isLoopback, bound?.isLoopback != true else {
      throw .networkUnreachable
    }
    let (interface, gateway) = try way(to: destination, from: bound, zone: zone)
    let number = UInt32(interface.rawValue)
    guard let source = bound ?? chooseSource(for: destination, via: gateway, on: number)
    else {
      throw .addressNotAvailable
    }
    return route(
      over: number, from: source, nextHop: gateway ?? destination, isIPv4: destination.isIPv4)
  }

  /// As ``route(to:from:zone:)``, for a socket that may be bound to a device. What is for this host
  /// stays here, and needs no device over IPv4; over IPv6 it must be the one that has the address,
  /// as on Linux.
  func route(
    to destination: IPAddress, from source: IPAddress?, zone: UInt32,
    device: InterfaceIndex?
  ) throws(StackError) -> Route {
    guard let device else { return try route(to: destination, from: source, zone: zone) }
    let number = UInt32(device.rawValue)
    guard zone == 0 || zone == number else { throw .invalidOperation }
    if destination.isIPv6, isLocal(destination.mapped),
      !interfaces[number].owns(destination.mapped)
    {
      throw .networkUnreachable
    }
    let route = try route(to: destination, from: source, zone: number)
    // The loopback device carries nothing else.
    guard number > 0 || route.interface == device else { throw .networkUnreachable }
    return route
  }

  /// The device that a packet has come by, to sockets that are bound to one. As on Linux, what the
  /// host sends to itself has come by the one that has the address.
  func device(of destination: IPv6Address, on number: UInt32) -> InterfaceIndex {
    index(number > 0 ? number : owner(of: destination) ?? 0)
  }

  /// A socket can be bound to an interface that is there.
  func mustExist(_ device: InterfaceIndex?) throws(StackError) {
    guard let device else { return }
    guard interfaces.contains(UInt32(device.rawValue)) else { throw .networkDown }
  }

  /// Interface and gateway, by the longest prefix. Groups, link-local addresses and the limited
  /// broadcast stay on the link that was named, or the only one they can mean; as on Linux, so does
  /// every IPv4 address that no route of that link leads to.
  private func way(
    to destination: IPAddress, from bound: IPAddress?, zone: UInt32
  ) throws(StackError) -> (InterfaceIndex, IPAddress?) {
    var wanted: InterfaceIndex?
    if zone > 0 {
      guard zone < 256, interfaces.contains(zone) else { throw .networkUnreachable }
      wanted = index(zone)
    }
    if destination.isMulticast || destination.isLimitedBroadcast
      || destination.isIPv6 && destination.isLinkLocal
    {
      if let wanted { return (wanted, nil) }
      if let bound, let owner = owner(of: bound.mapped) { return (index(owner), nil) }
      if let entry = routes.lookUp(destination) { return (entry.interface, nil) }
      guard let only = firstInterface else { throw .networkUnreachable }
      return (only, nil)
    }
    guard let entry = routes.lookUp(destination, on: wanted) else {
      if destination.isIPv4, let wanted { return (wanted, nil) }
      throw .networkUnreachable
    }
    return (entry.interface, entry.gateway)
  }

  /// The way back to the sender of a packet for us: from the address it was sent to.
  func replyRoute(
    to sender: IPAddress, from own: IPAddress, on number: UInt32
  ) -> Route? {
    if number == 0 || isLocal(sender.mapped) { return loopbackRoute(to: sender, from: own) }
    if sender.isIPv6, sender.isLinkLocal {
      return route(over: number, from: own, nextHop: sender, isIPv4: false)
    }
    let arrived = index(number)
    // The interface it came from where that will do, any other otherwise.
    guard let entry = routes.lookUp(sender, on: arrived) ?? routes.lookUp(sender) else {
      return nil
    }
    return route(
      over: UInt32(entry.interface.rawValue), from: own, nextHop: entry.gateway ?? sender,
      isIPv4: sender.isIPv4)
  }

  /// The way back for a socket that is bound to the device a packet has come by: where the table
  /// does not lead there by it, an IPv4 sender is on its link, as on Linux.
  func deviceReplyRoute(
    to sender: IPAddress, from own: IPAddress, on number: UInt32, instead route: Route?
  ) -> Route? {
    if let route, route.interface == index(number) || route.interface == Self.loopback {
      return route
    }
    guard sender.isIPv4 else { return nil }
    return self.route(over: number, from: own, nextHop: sender, isIPv4: true)
  }

  private func route(
    over number: UInt32, from source: IPAddress, nextHop: IPAddress, isIPv4: Bool
  ) -> Route {
    Route(
      interface: index(number), source: source, nextHop: nextHop,
      maximumTransmissionUnit: linkMTU(number, isIPv4: isIPv4),
      checksumOffload: interfaces[number].abilities.checksumOffload,
      segmentationOffload: interfaces[number].abilities.segmentationOffload)
  }

  private func loopbackRoute(to destination: IPAddress, from source: IPAddress?) -> Route {
    Route(
      interface: Self.loopback, source: source ?? destination, nextHop: destination,
      maximumTransmissionUnit: interfaces[0].mtu, checksumOffload: true)
  }

  /// Whether packets to the address never leave this host.
  @inline(__always)
  func isLocal(_ key: IPv6Address) -> Bool {
    if key.high == 0, key.low &>> 24 == 0xFFFF_7F { return true }
    return owns(key)
  }

  /// Bytes of the largest packet of a version on a link.
  @inline(__always)
  func linkMTU(_ number: UInt32, isIPv4: Bool) -> Int {
    let mtu = interfaces[number].mtu
    // RFC 8200 §5: links carry 1,280 bytes of IPv6, by whatever means.
    return isIPv4 || mtu >= 1_280 ? mtu : 1_280
  }

  private var firstInterface: InterfaceIndex? {
    for number in numbers where number > 0 {
      return index(number)
    }
    return nil
  }

  private func owner(of key: IPv6Address) -> UInt32? {
    for number in numbers {
      if interfaces[number].owns(key) { return number }
    }
    return nil
  }

  /// The best of an interface's usable addresses for a destination; nothing where it has none of
  /// that version.
  func chooseSource(
    for destination: IPAddress, via router: IPAddress? = nil, on number: UInt32
  ) -> IPAddress? {
    let selection = SourceSelection(destination: destination, router: router)
    var best: InterfaceAddress?
    var place = 0
    while place < interfaces[number].addresses.count {
      let candidate = interfaces[number].addresses[place]
      place &+= 1
      guard candidate.isUsable, candidate.address.isIPv4 == destination.isIPv4 else { continue }
      if let known = best, !selection.isBetter(candidate, than: known) { continue }
      best = candidate
    }
    return best?.address
  }
}
