import Addresses
import Packets

/// Routers' questions about groups (RFC 9776 §5.2, RFC 9777 §6.2).
extension ProtocolStack {
  mutating func deliverIGMP(_ packet: Span<UInt8>, at offset: Int, _ delivery: Delivery) {
    let message = packet.slice(from: offset)
    // What other hosts report is the routers' business.
    guard message.uint8(at: 0) == MembershipQuery.typeOfIGMP else {
      counts.membershipIgnored &+= 1
      return
    }
    let query: MembershipQuery
    do {
      query = try MembershipQuery(
        parsingIGMP: message, verifyingChecksum: !delivery.checksumIsValid)
    } catch {
      counts.malformed.add(error)
      return
    }
    // RFC 9776 §4, MC-3: from this link, whole, and marked for routers as versions from 2 on are.
    guard delivery.hopLimit == 1, !delivery.arrival.isReassembled,
      query.version == .first || Self.alertsRouters(packet, to: offset, from: 20, kind: 0x94)
    else {
      counts.membershipIgnored &+= 1
      return
    }
    let number = delivery.arrival.number
    let until = present + Group.olderRouterInterval
    switch query.version {
    case .first: interfaces[number].oldestRouter4Until = until
    case .second: interfaces[number].olderRouter4Until = until
    case .third: break
    }
    answer(query, isIPv4: true, on: number)
  }

  /// - Returns: false where the message is none of MLD's.
  mutating func deliverMLD(
    _ packet: Span<UInt8>, at offset: Int, from source: IPv6Address, _ delivery: Delivery
  ) -> Bool {
    let message = packet.slice(from: offset)
    let type = message.uint8(at: 0)
    guard (130...132).contains(type) || type == 143 else { return false }
    // RFC 9777 §6.2, MC-3: from this link, marked for routers, by a router.
    guard type == MembershipQuery.typeOfMLD, delivery.hopLimit == 1, source.isLinkLocal,
      !delivery.arrival.isReassembled, packet.uint8(at: 6) == 0,
      Self.alertsRouters(packet, to: offset, from: 42, kind: 5)
    else {
      counts.membershipIgnored &+= 1
      return true
    }
    let number = delivery.arrival.number
    do {
      let query = try MembershipQuery(parsingMLD: message)
      if query.version == .second {
        interfaces[number].olderRouter6Until = present + Group.olderRouterInterval
      }
      answer(query, isIPv4: false, on: number)
    } catch {
      counts.malformed.add(error)
    }
    return true
  }

  /// Whether options up to `end` have the one for routers.
  private static func alertsRouters(
    _ packet: Span<UInt8>, to end: Int, from start: Int, kind wanted: UInt8
  ) -> Bool {
    var place = start
    while place < end {
      let kind = packet.uint8(at: place)
      if kind == wanted { return true }
      // Padding of one octet: IPv4 numbers it 1, and 0 ends the list; IPv6 numbers it 0.
      if kind == 0 || wanted == 0x94 && kind == 1 {
        place &+= 1
        continue
      }
      let length = Int(packet.uint8(at: place &+ 1)) &+ (wanted == 0x94 ? 0 : 2)
      guard length >= 2 else { return false }
      place &+= length
    }
    return false
  }

  /// RFC 9776 §5.2: every group that is asked about answers at a time of its own; one that is going
  /// to be answered before needs no second one. A question about sources is answered with all.
  private mutating func answer(_ query: MembershipQuery, isIPv4: Bool, on number: UInt32) {
    counts.membershipQueries &+= 1
    for place in interfaces[number].groups.indices {
      let key = interfaces[number].groups[place].key
      guard key.isIPv4Mapped == isIPv4, query.group.map({ $0.mapped == key }) ?? true,
        !Group.isUnreported(key)
      else { continue }
      let due = present + delay(within: query.maximumResponse)
      interfaces[number].groups[place].answerDue = min(
        interfaces[number].groups[place].answerDue, due)
    }
    interfaces[number].scheduleGroups()
  }
}
