import Addresses
import Packets

/// What routers are told about groups: IGMPv3 and MLDv2, and the older forms where a router speaks
/// no other (RFC 9776 §5, §7; RFC 9777 §6, §8).
extension ProtocolStack {
  /// Tells what has changed, if that is not told often enough, and forgets a group of nobody's.
  mutating func reportChange(_ place: Int, on number: UInt32) {
    var group = interfaces[number].groups[place]
    group.reportDue = .distantFuture
    if group.reportsLeft > 0 {
      group.reportsLeft &-= 1
      sendChange(group, on: number)
      if group.reportsLeft > 0 {
        group.reportDue = present + delay(within: Group.reportInterval)
      }
    }
    if group.reportsLeft == 0 {
      group.changed = SourceSet()
      group.isTurned = false
    }
    interfaces[number].groups[place] = group
    if group.isEmpty, group.reportsLeft == 0 { _ = interfaces[number].groups.remove(at: place) }
    interfaces[number].scheduleGroups()
  }

  /// Acts on every group whose time has come. Linear in the interface's groups.
  mutating func advanceGroups(_ number: UInt32) {
    guard interfaces[number].groupDeadline <= present else { return }
    var place = interfaces[number].groups.count
    // From the end, for a group may go.
    while place > 0 {
      place &-= 1
      if interfaces[number].groups[place].answerDue <= present {
        interfaces[number].groups[place].answerDue = .distantFuture
        let group = interfaces[number].groups[place]
        if !group.isEmpty {
          sendRecord(
            group.isExclude ? .isExclude : .isInclude, group, group.sources, on: number)
        }
      }
      if interfaces[number].groups[place].reportDue <= present { reportChange(place, on: number) }
    }
    interfaces[number].scheduleGroups()
  }

  /// A random time, not longer than `interval`.
  mutating func delay(within interval: Interval) -> Interval {
    interval / 1_024 * Int64(secrets.next(below: 1_024)) + Interval(nanoseconds: 1)
  }

  private mutating func sendChange(_ group: Group, on number: UInt32) {
    guard !group.isTurned else {
      sendRecord(group.isExclude ? .toExclude : .toInclude, group, group.sources, on: number)
      return
    }
    // RFC 9776 §5.1: sources that are heard now, and sources that are not.
    var allowed = group.changed
    allowed.remove { group.sources.contains($0) == group.isExclude }
    var blocked = group.changed
    blocked.remove { group.sources.contains($0) != group.isExclude }
    if allowed.count > 0 { sendRecord(.allowNewSources, group, allowed, on: number) }
    if blocked.count > 0 { sendRecord(.blockOldSources, group, blocked, on: number) }
  }

  /// Sends one record, in a report of its own.
  private mutating func sendRecord(
    _ kind: GroupRecord.Kind, _ group: Group, _ sources: SourceSet, on number: UInt32
  ) {
    let address = IPAddress(unmapping: group.key)
    let version = interfaces[number].groupVersion(isIPv4: address.isIPv4, at: present)
    guard version == .third else {
      sendOldReport(group, address, version, on: number)
      return
    }
    let record = GroupRecord(kind, address, sourceCount: sources.count)
    var message = pool.take()
    guard message.extend(8 &+ record.size) else { return }
    do {
      var bytes = message.mutableBytes
      bytes.store((address.isIPv4 ? 0x22 : 143) &<< 24 as UInt32, at: 0)
      bytes.store(1 as UInt32, at: 4)
      record.write(into: &bytes, at: 8)
      var index = 0
      while index < sources.count {
        record.write(source: IPAddress(unmapping: sources[index]), index, into: &bytes, at: 8)
        index &+= 1
      }
    }
    // RFC 9776 §4.2.14, RFC 9777 §5.2.14: to the routers that understand it.
    sendMembership(
      message,
      to: address.isIPv4
        ? .v4(IPv4Address(224, 0, 0, 22)) : .v6(IPv6Address(high: 0xFF02 << 48, low: 0x16)),
      on: number)
  }

  /// RFC 2236 §3, RFC 2710 §4: a group is joined or left, whatever the sources.
  private mutating func sendOldReport(
    _ group: Group, _ address: IPAddress, _ version: MembershipQuery.Version, on number: UInt32
  ) {
    var message = pool.take()
    guard message.extend(address.isIPv4 ? 8 : 24) else { return }
    do {
      var bytes = message.mutableBytes
      switch address {
      case .v4(let address):
        // RFC 1112: the first version leaves in silence.
        guard !group.isEmpty || version == .second else { return }
        let type: UInt32 = group.isEmpty ? 0x17 : (version == .first ? 0x12 : 0x16)
        bytes.store(type &<< 24, at: 0)
        bytes.store(address, at: 4)
      case .v6(let address):
        bytes.store((group.isEmpty ? 132 : 131) &<< 24 as UInt32, at: 0)
        bytes.store(0 as UInt32, at: 4)
        bytes.store(address, at: 8)
      }
    }
    let routers: IPAddress = address.isIPv4 ? .v4(.allRouters) : .v6(.allRouters)
    sendMembership(message, to: group.isEmpty ? routers : address, on: number)
  }

  /// Checksum, IP header with Router Alert (RFC 2113, RFC 2711), frame.
  private mutating func sendMembership(
    _ message: consuming Packet, to destination: IPAddress, on number: UInt32
  ) {
    let size = message.count
    let station: EthernetAddress
    switch destination {
    case .v4(let destination):
      station = EthernetAddress(multicast: destination)
      var source = IPv4Address.any
      if case .v4(let own)? = chooseSource(for: .v4(destination), on: number) { source = own }
      do {
        var sum = InternetChecksum()
        var bytes = message.mutableBytes
        bytes.store(0 as UInt16, at: 2)
        sum.add(bytes.span)
        bytes.store(sum.value, at: 2)
      }
      guard message.prepend(IPv4Header.size &+ 4) else { return }
      var header = IPv4Header(
        source: source, destination: destination, protocol: .igmp, payloadLength: size &+ 4,
        timeToLive: 1, dscp: 48)
      header.headerLength = IPv4Header.size &+ 4
      var bytes = message.mutableBytes
      bytes.store(0x9404_0000 as UInt32, at: IPv4Header.size)
      header.write(into: &bytes)
    case .v6(let destination):
      station = EthernetAddress(multicast: destination)
      // RFC 9777 §5.2.13: from a link-local address, or from none.
      let source = interfaces[number].linkLocalAddress ?? .any
      do {
        var bytes = message.mutableBytes
        ICMPv6Message.fillChecksum(in: &bytes, source: source, destination: destination)
      }
      guard message.prepend(IPv6Header.size &+ 8) else { return }
      var bytes = message.mutableBytes
      IPv6Header(
        source: source, destination: destination, nextHeader: .hopByHopOptions,
        payloadLength: size &+ 8, hopLimit: 1
      ).write(into: &bytes)
      bytes.store(0x3A00_0502_0000_0100 as UInt64, at: IPv6Header.size)
    }
    counts.membershipReports &+= 1
    append(
      message, to: interfaces[number].isEthernet ? station : nil, on: number, isControl: true)
  }
}

extension Interface {
  /// RFC 9776 §7.2.1, RFC 9777 §8.2.1: the version of the oldest router heard of late.
  func groupVersion(isIPv4: Bool, at now: Instant) -> MembershipQuery.Version {
    guard isIPv4 else { return olderRouter6Until > now ? .second : .third }
    if oldestRouter4Until > now { return .first }
    return olderRouter4Until > now ? .second : .third
  }

  /// Finds the earliest deadline of the groups anew.
  mutating func scheduleGroups() {
    var earliest = Instant.distantFuture
    var place = 0
    while place < groups.count {
      earliest = min(earliest, groups[place].reportDue, groups[place].answerDue)
      place &+= 1
    }
    groupDeadline = earliest
  }
}
