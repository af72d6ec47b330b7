import Addresses
import Packets

/// IPv4 packets on their way in (RFC 791, RFC 1122 §3.2.1).
extension ProtocolStack {
  /// What is known of a packet when its payload is delivered.
  struct Delivery {
    var source: IPAddress
    var destination: IPAddress
    /// Differentiated services and congestion codepoints, as one octet.
    var trafficClass: UInt8
    var hopLimit: UInt8
    /// For one host; anything else is for a group or for all.
    var isUnicast: Bool
    var arrival: Reception
    /// The link vouches for the transport's checksum.
    var checksumIsValid: Bool
    /// Payload bytes of each piece where the link put several together; else zero.
    var segmentSize: UInt16

    var ecn: ECNCodepoint { ECNCodepoint(bits: trafficClass) }
  }

  mutating func receiveIPv4(_ bytes: Span<UInt8>, _ offload: Offload, _ arrival: Reception) {
    let header: IPv4Header
    do {
      header = try IPv4Header(parsing: bytes, verifyingChecksum: !arrival.isLooped)
    } catch {
      counts.malformed.add(error)
      return
    }
    // RFC 7126 §4.3, §4.4: nobody chooses the way through this host, and nobody is told (IP4-5).
    guard !header.hasSourceRoute else {
      counts.sourceRoutes &+= 1
      return
    }
    guard let isUnicast = accepts(header, arrival) else { return }
    let packet = bytes.slice(from: 0, length: header.totalLength)
    guard !header.isFragment else {
      receiveFragment(packet, header, arrival)
      return
    }
    let delivery = Delivery(
      source: .v4(header.source), destination: .v4(header.destination),
      trafficClass: header.dscp &<< 2 | header.ecn.rawValue, hopLimit: header.timeToLive,
      isUnicast: isUnicast, arrival: arrival,
      checksumIsValid: offload.needsChecksum || offload.checksumIsValid,
      segmentSize: offload.segmentation == .none ? 0 : offload.segmentSize)
    counts.packetsDelivered &+= 1
    let isHeard =
      raws.count > 0 && deliverRaw(packet, at: header.headerLength, header.protocol, delivery)
    deliver(packet, at: header.headerLength, header.protocol, delivery, isHeard: isHeard)
  }

  /// Whether a packet is for this host and from one that may be.
  ///
  /// - Returns: whether it is for this host alone; nothing where it is dropped.
  private mutating func accepts(_ header: IPv4Header, _ arrival: Reception) -> Bool? {
    let number = arrival.number
    if arrival.isLooped { return true }
    let isUnicast = interfaces.isOwn(IPv6Address(mapping: header.destination), on: number)
    if isUnicast {
      // RFC 1122 §3.3.6: a frame for all with a packet for one is a trick.
      guard !arrival.isLinkGroup else {
        counts.foreignDestinations &+= 1
        return nil
      }
    } else {
      guard
        header.destination == .allSystems || interfaces[number].isBroadcast(header.destination)
          || header.destination.isMulticast
            && interfaces[number].isMember(of: IPv6Address(mapping: header.destination))
      else {
        counts.foreignDestinations &+= 1
        return nil
      }
    }
    // RFC 1122 §3.2.1.3: what may not be a source is dropped before anything believes it (IP4-7).
    let source = header.source
    guard !source.isThisNetwork, !source.isLoopback, !source.isMulticast, !source.isReserved,
      !interfaces[number].isBroadcast(source), !interfaces.own(IPv6Address(mapping: source))
    else {
      counts.martianSources &+= 1
      return nil
    }
    return isUnicast
  }

  private mutating func receiveFragment(
    _ packet: Span<UInt8>, _ header: IPv4Header, _ arrival: Reception
  ) {
    counts.fragmentsReceived &+= 1
    let key = FragmentKey(
      source: IPv6Address(mapping: header.source),
      destination: IPv6Address(mapping: header.destination),
      identification: UInt32(header.identification), protocol: header.protocol.rawValue,
      interface: UInt8(truncatingIfNeeded: arrival.number))
    guard Self.isSensible(header) else {
      reassembler.condemn(key, &counts)
      return
    }
    let fragment = Fragment(
      key: key, offset: header.fragmentOffset, moreFragments: header.moreFragments,
      dataOffset: header.headerLength, headerLength: header.headerLength, nextHeaderOffset: 9,
      nextHeader: header.protocol.rawValue,
      congestionExperienced: header.ecn == .congestionExperienced,
      isCapable: header.ecn != .notCapable)
    reassemble(fragment, packet, arrival)
  }

  /// FRAG-3, FRAG-7, FRAG-8: whether an honest sender may have made the fragment.
  private static func isSensible(_ header: IPv4Header) -> Bool {
    let length = header.payloadLength
    guard !header.reservedFlag, !header.dontFragment, length > 0 else { return false }
    guard !header.moreFragments || length & 7 == 0 else { return false }
    // RFC 791 §3.1: a datagram has 65,535 bytes at most.
    guard header.headerLength &+ header.fragmentOffset &+ length <= 65_535 else { return false }
    // RFC 3128 §3: nothing rewrites a TCP header from behind; RFC 1858 §3.2.1: nor is one cut.
    guard header.protocol != .tcp || header.fragmentOffset != 8 else { return false }
    guard header.fragmentOffset == 0 else { return true }
    switch header.protocol {
    case .tcp: return length >= TCPHeader.size
    default: return length >= UDPHeader.size
    }
  }

  /// Adds a fragment, and goes on with the whole datagram once it is there.
  @inline(never)
  mutating func reassemble(_ fragment: Fragment, _ packet: Span<UInt8>, _ arrival: Reception) {
    guard let whole = reassembler.insert(fragment, packet, at: present, &counts) else { return }
    var arrival = arrival
    arrival.isReassembled = true
    // The pieces' link has no say about the checksum of the whole.
    receiveVersion(whole.bytes, Offload(), arrival)
  }

  /// Hands the payload to its protocol.
  ///
  /// - Parameters:
  ///   - packet: from the IP header on, without padding.
  ///   - offset: where the payload begins.
  ///   - isHeard: raw sockets have it already.
  @inline(__always)
  mutating func deliver(
    _ packet: Span<UInt8>, at offset: Int, _ protocol: IPProtocol, _ delivery: Delivery,
    isHeard: Bool
  ) {
    switch `protocol` {
    case .tcp: deliverTCP(packet.slice(from: offset), delivery)
    case .udp: deliverUDP(packet, at: offset, delivery)
    case .icmpv4 where delivery.source.isIPv4: deliverICMPv4(packet, at: offset, delivery)
    case .icmpv6 where delivery.source.isIPv6: deliverICMPv6(packet, at: offset, delivery)
    case .igmp where delivery.source.isIPv4: deliverIGMP(packet, at: offset, delivery)
    // RFC 1122 §3.2.2.1: somebody here speaks the protocol, if a raw socket does.
    default: if !isHeard { refuse(packet, delivery) }
    }
  }

  /// A protocol that is not spoken here (IP4-8: an IP packet inside an IP packet among them).
  private mutating func refuse(_ packet: Span<UInt8>, _ delivery: Delivery) {
    counts.unknownProtocols &+= 1
    guard delivery.isUnicast else { return }
    sendError(.protocolUnreachable, about: packet, delivery.arrival)
  }
}
