import Addresses
import Packets

/// IPv6 packets on their way in (RFC 8200).
extension ProtocolStack {
  mutating func receiveIPv6(_ bytes: Span<UInt8>, _ offload: Offload, _ arrival: Reception) {
    let header: IPv6Header
    do {
      header = try IPv6Header(parsing: bytes)
    } catch {
      counts.malformed.add(error)
      return
    }
    guard let isUnicast = accepts(header, arrival) else { return }
    let packet = bytes.slice(from: 0, length: header.totalLength)
    let walk = IPv6ExtensionWalk(packet, header: header, isReassembled: arrival.isReassembled)
    switch walk.outcome {
    case .payload: break
    case .fragment:
      receiveFragment(packet, header, walk, arrival)
      return
    case .drop(let reason):
      counts.malformed.add(reason)
      return
    case .parameterProblem(let code, let pointer):
      counts.malformed.add(.badOption)
      if walk.fragment != nil { condemnFragment(header, walk, arrival) }
      sendError(.parameterProblem(code: code, pointer: pointer), about: packet, arrival)
      return
    }
    // RFC 4291 §2.5.2: a host without an address asks for one, and says nothing else.
    guard !header.source.isUnspecified || walk.protocol == .icmpv6 else {
      counts.martianSources &+= 1
      return
    }
    let delivery = Delivery(
      source: .v6(header.source), destination: .v6(header.destination),
      trafficClass: header.dscp &<< 2 | header.ecn.rawValue, hopLimit: header.hopLimit,
      isUnicast: isUnicast, arrival: arrival,
      checksumIsValid: offload.needsChecksum || offload.checksumIsValid,
      segmentSize: offload.segmentation == .none ? 0 : offload.segmentSize)
    counts.packetsDelivered &+= 1
    // RFC 6980 §5 MUST: discovery in fragments is ignored (ND-10), in a single one too.
    if walk.protocol == .icmpv6, arrival.isReassembled || walk.fragment != nil,
      NeighborDiscovery.messageType(of: packet.slice(from: walk.offset)) != nil
    {
      counts.neighborDiscoveryIgnored &+= 1
      return
    }
    let isHeard =
      raws.count > 0 && deliverRaw(packet, at: walk.offset, walk.protocol, delivery)
    deliver(packet, at: walk.offset, walk.protocol, delivery, isHeard: isHeard)
  }

  private mutating func accepts(_ header: IPv6Header, _ arrival: Reception) -> Bool? {
    let number = arrival.number
    if arrival.isLooped { return true }
    // A mapped address stands for an IPv4 one in our tables, and for nobody on a wire.
    let isUnicast =
      !header.destination.isIPv4Mapped && interfaces.isOwn(header.destination, on: number)
    if isUnicast {
      guard !arrival.isLinkGroup else {
        counts.foreignDestinations &+= 1
        return nil
      }
    } else {
      guard header.destination.isMulticast, interfaces[number].listensTo(header.destination)
      else {
        counts.foreignDestinations &+= 1
        return nil
      }
    }
    // RFC 4291 §2.5.3, §2.7, RFC 4038 §4.2: groups, loopback and mapped addresses send nothing
    // over a wire, and we do not send to ourselves that way (IP6-15).
    let source = header.source
    guard !source.isMulticast, !source.isLoopback, !source.isIPv4Mapped, !interfaces.own(source)
    else {
      counts.martianSources &+= 1
      return nil
    }
    return isUnicast
  }

  private func fragmentKey(
    _ header: IPv6Header, _ fragment: FragmentHeader, _ arrival: Reception
  ) -> FragmentKey {
    FragmentKey(
      source: header.source, destination: header.destination,
      identification: fragment.identification, protocol: 0,
      interface: UInt8(truncatingIfNeeded: arrival.number))
  }

  private mutating func receiveFragment(
    _ packet: Span<UInt8>, _ header: IPv6Header, _ walk: IPv6ExtensionWalk, _ arrival: Reception
  ) {
    guard let piece = walk.fragment else { return }
    counts.fragmentsReceived &+= 1
    let fragment = Fragment(
      key: fragmentKey(header, piece, arrival), offset: piece.offset,
      moreFragments: piece.moreFragments, dataOffset: walk.offset,
      headerLength: walk.fragmentOffset, nextHeaderOffset: walk.fragmentNextHeaderOffset,
      nextHeader: piece.nextHeader.rawValue,
      congestionExperienced: header.ecn == .congestionExperienced,
      isCapable: header.ecn != .notCapable)
    reassemble(fragment, packet, arrival)
  }

  /// What an impossible fragment belongs to is dropped with it.
  private mutating func condemnFragment(
    _ header: IPv6Header, _ walk: IPv6ExtensionWalk, _ arrival: Reception
  ) {
    guard let fragment = walk.fragment, !fragment.isAtomic else { return }
    counts.fragmentsReceived &+= 1
    reassembler.condemn(fragmentKey(header, fragment, arrival), &counts)
  }
}
