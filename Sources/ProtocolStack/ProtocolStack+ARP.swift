import Addresses
import Packets

/// Address resolution for IPv4 (RFC 826, RFC 1122 §2.3.2, RFC 5227).
extension ProtocolStack {
  mutating func receiveARP(_ bytes: Span<UInt8>, _ arrival: Reception) {
    counts.arpReceived &+= 1
    let message: ARPPacket
    do {
      message = try ARPPacket(parsing: bytes)
    } catch {
      counts.malformed.add(error)
      return
    }
    let number = arrival.number
    let sender = message.senderProtocolAddress
    let station = message.senderHardwareAddress
    // ARP-2: nobody is a group, or us.
    guard !station.isMulticast, !station.isUnspecified, station != interfaces[number].station
    else {
      counts.arpIgnored &+= 1
      return
    }
    guard !noticesConflict(message, on: number) else { return }
    if !sender.isUnspecified {
      guard !sender.isLoopback, !sender.isMulticast, !sender.isReserved,
        !interfaces[number].isBroadcast(sender)
      else {
        counts.arpIgnored &+= 1
        return
      }
    }
    let target = message.targetProtocolAddress
    let isForUs = interfaces[number].owns(target.mappedKey)
    // ARP-3: only what was asked for, or is known already.
    let isAnswer =
      message.operation == .reply && message.targetHardwareAddress == interfaces[number].station
    let wasNews =
      !sender.isUnspecified
      && learn(
        sender.mappedKey, station: station, isSolicited: isAnswer, overrides: true, on: number)
    guard message.operation == .request, isForUs else {
      if !wasNews { counts.arpIgnored &+= 1 }
      return
    }
    sendARP(.reply, from: target, for: sender, targetStation: station, to: station, on: number)
  }

  /// RFC 5227 §2.1.1, §2.4: another station claims or probes for an address of ours.
  private mutating func noticesConflict(_ message: ARPPacket, on number: UInt32) -> Bool {
    let sender = message.senderProtocolAddress
    if let place = interfaces[number].place(of: sender.mappedKey), !sender.isUnspecified {
      loseOrDefend(place, on: number)
      return true
    }
    guard sender.isUnspecified, message.operation == .request,
      let place = interfaces[number].place(of: message.targetProtocolAddress.mappedKey),
      interfaces[number].addresses[place].state == .tentative
    else { return false }
    // Both want it: neither gets it.
    loseOrDefend(place, on: number)
    return true
  }

  /// An address under dispute: given up while it is tentative, defended now and then afterwards.
  mutating func loseOrDefend(_ place: Int, on number: UInt32) {
    counts.addressConflicts &+= 1
    switch interfaces[number].addresses[place].state {
    case .tentative:
      interfaces[number].addresses[place].state = .duplicate
      interfaces[number].addresses[place].deadline = .distantFuture
      interfaces[number].scheduleAddresses()
    case .preferred, .deprecated:
      // RFC 5227 §2.4 b: once in ten seconds, so that two who insist do not fill the link.
      if let last = interfaces[number].addresses[place].lastDefence,
        present.since(last) < .seconds(10)
      {
        return
      }
      interfaces[number].addresses[place].lastDefence = present
      announce(place, on: number)
    case .duplicate: break
    }
  }

  mutating func sendARP(
    _ operation: ARPPacket.Operation, from own: IPv4Address, for target: IPv4Address,
    targetStation: EthernetAddress, to station: EthernetAddress, on number: UInt32
  ) {
    guard interfaces[number].control.hasRoom() else {
      counts.controlQueueDrops &+= 1
      return
    }
    var packet = pool.take()
    // ETH-2: the padding is ours, and says nothing.
    guard packet.extend(EthernetHeader.minimumFrameSize) else { return }
    var bytes = packet.mutableBytes
    EthernetHeader(
      destination: station, source: interfaces[number].station, etherType: .arp
    ).write(into: &bytes)
    ARPPacket(
      operation: operation, senderHardwareAddress: interfaces[number].station,
      senderProtocolAddress: own, targetHardwareAddress: targetStation,
      targetProtocolAddress: target
    ).write(into: &bytes, at: EthernetHeader.size)
    var offset = EthernetHeader.size &+ ARPPacket.size
    while offset < EthernetHeader.minimumFrameSize {
      bytes.store(0 as UInt8, at: offset)
      offset &+= 1
    }
    interfaces[number].control.append(packet)
  }
}
