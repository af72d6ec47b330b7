package import Host
package import Packets

/// A node's end of a link: a device of this machine's, or a cable to another node of the process.
package struct NodeLink: ~Copyable {
  private var tunnel: TunnelLink?
  private let incoming: Wire?
  private let outgoing: Wire?
  let abilities: LinkAbilities
  let name: String
  /// The capacity of a packet that can take in whatever the link delivers, in bytes.
  let packetCapacity: Int

  package init(_ tunnel: consuming TunnelLink) {
    abilities = tunnel.abilities
    name = tunnel.name
    packetCapacity = tunnel.packetCapacity
    self.tunnel = consume tunnel
    incoming = nil
    outgoing = nil
  }

  package init(from incoming: Wire, to outgoing: Wire, _ abilities: LinkAbilities, name: String) {
    tunnel = nil
    self.incoming = incoming
    self.outgoing = outgoing
    self.abilities = abilities
    self.name = name
    packetCapacity = Self.packetCapacity(for: abilities)
  }

  /// Room for a packet of a link with these abilities.
  package static func packetCapacity(for abilities: LinkAbilities) -> Int {
    let largest = max(abilities.mtu, abilities.segmentationOffload)
    return Packet.defaultHeadroom + abilities.linkHeaderSize + largest
  }

  /// Has the link watched for packets, and for room to transmit where `forRoom`.
  func watch(
    with poller: inout EpollPoller, token: UInt64, forRoom: Bool, again: Bool
  ) throws(SystemError) {
    guard tunnel != nil else { return }
    let interest: PollInterest = forRoom ? [.readable, .writable] : .readable
    if again {
      try tunnel?.modify(in: &poller, interest: interest, token: token)
    } else {
      try tunnel?.add(to: &poller, interest: interest, token: token)
    }
  }

  func stopWatching(with poller: inout EpollPoller) {
    _ = try? tunnel?.remove(from: &poller)
  }

  /// Closes the device, which goes with it unless it was there before; or tells the other end of a
  /// cable that the node is no more.
  mutating func end() {
    tunnel = nil
    incoming?.end()
    outgoing?.end()
  }

  /// Reads the next packet into `packet`.
  ///
  /// - Returns: false when none is waiting.
  mutating func receive(into packet: inout Packet) throws(SystemError) -> Bool {
    if let found = try tunnel?.receive(into: &packet) { return found }
    return incoming?.receive(into: &packet) ?? false
  }

  /// - Returns: false when the link takes no more just now; the packet is still the caller's.
  func transmit(_ packet: borrowing Packet) throws(SystemError) -> Bool {
    if let taken = try tunnel?.transmit(packet) { return taken }
    return outgoing?.transmit(packet) ?? true
  }
}

extension TunnelLink {
  fileprivate func add(
    to poller: inout EpollPoller, interest: PollInterest, token: UInt64
  ) throws(SystemError) {
    try poller.add(descriptor, interest: interest, token: token)
  }

  fileprivate func modify(
    in poller: inout EpollPoller, interest: PollInterest, token: UInt64
  ) throws(SystemError) {
    try poller.modify(descriptor, interest: interest, token: token)
  }

  fileprivate func remove(from poller: inout EpollPoller) throws(SystemError) {
    try poller.remove(descriptor)
  }
}
