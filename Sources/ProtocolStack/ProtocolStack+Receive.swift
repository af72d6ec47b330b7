import Addresses
public import Packets

/// How a packet came here.
struct Reception {
  /// The interface's number.
  var number: UInt32
  /// The station that sent the frame; zero on links without any.
  var station = EthernetAddress(rawValue: 0)
  /// The frame went to a group of stations.
  var isLinkGroup = false
  /// The packet was whole on the wire, or has been put together here.
  var isReassembled = false

  @inline(__always)
  var isLooped: Bool { number == 0 }
}

/// From the link to the Internet Protocol.
extension ProtocolStack {
  /// Takes a packet that arrived on an interface. Nothing is sent from here; pull afterwards.
  ///
  /// The packet stays the caller's, to be used again; its content is spent.
  ///
  /// - Parameters:
  ///   - packet: beginning with what the link's ``LinkAbilities/Framing`` says.
  ///   - interface: where it arrived. For one that does not exist the packet is dropped.
  ///   - now: when.
  public mutating func receive(
    _ packet: inout Packet, on interface: InterfaceIndex, at now: Instant
  ) {
    observe(now)
    counts.packetsReceived &+= 1
    counts.bytesReceived &+= UInt64(truncatingIfNeeded: packet.count)
    var arrival = Reception(number: UInt32(interface.rawValue))
    guard arrival.number > 0, interfaces.contains(arrival.number) else {
      counts.foreignFrames &+= 1
      return
    }
    if watchers.count > 0 { show(packet.bytes, on: arrival.number, isOutgoing: false) }
    guard interfaces[arrival.number].isEthernet else {
      receiveVersion(packet.bytes, packet.offload, arrival)
      return
    }
    guard let type = acceptFrame(packet.bytes, &arrival) else { return }
    packet.dropFirst(EthernetHeader.size)
    switch type {
    case .ipv4: receiveIPv4(packet.bytes, packet.offload, arrival)
    case .ipv6: receiveIPv6(packet.bytes, packet.offload, arrival)
    case .arp: receiveARP(packet.bytes, arrival)
    default: counts.unknownEtherTypes &+= 1
    }
  }

  /// A packet that begins with its IP header.
  mutating func receiveVersion(_ bytes: Span<UInt8>, _ offload: Offload, _ arrival: Reception) {
    guard bytes.count > 0 else {
      counts.runts &+= 1
      return
    }
    switch bytes.uint8(at: 0) &>> 4 {
    case 4: receiveIPv4(bytes, offload, arrival)
    case 6: receiveIPv6(bytes, offload, arrival)
    default: counts.malformed.add(.badVersion)
    }
  }

  /// Whether a frame is for this station, and what is in it.
  private mutating func acceptFrame(
    _ bytes: Span<UInt8>, _ arrival: inout Reception
  ) -> EtherType? {
    guard let frame = try? EthernetHeader(parsing: bytes) else {
      counts.runts &+= 1
      return nil
    }
    guard !frame.source.isMulticast else {
      counts.foreignFrames &+= 1
      return nil
    }
    if frame.destination != interfaces[arrival.number].station {
      guard frame.destination.isMulticast,
        interfaces[arrival.number].listensTo(frame.destination)
      else {
        counts.foreignFrames &+= 1
        return nil
      }
      arrival.isLinkGroup = true
    }
    arrival.station = frame.source
    return frame.etherType
  }
}
