public import Addresses
import BasicContainers
public import Packets
public import ProtocolStack

extension World {
  /// Plugs hosts into a wire of their own and gives their interfaces addresses.
  ///
  /// - Returns: the wire's number.
  @discardableResult
  public mutating func addWire(
    _ kind: WireKind = .direct, _ attachments: [WireAttachment]
  ) throws(StackError) -> Int {
    if case .direct = kind, attachments.count != 2 { throw .invalidOperation }
    let number = wires.count
    var wire = Wire(kind: kind)
    for (end, attachment) in attachments.enumerated() {
      let host = attachment.host
      let outbound = addPipe(attachment.outbound, PipeEnd(wire: number, end: end, isOutbound: true))
      var inbound: Int?
      if case .direct = kind {
      } else {
        inbound = addPipe(attachment.inbound, PipeEnd(wire: number, end: end, isOutbound: false))
      }
      let interface = try hosts[host].stack.addInterface(
        "wire\(number)", attachment.abilities, at: now)
      hosts[host].plugs.append(Host.Plug(wire: number, end: end, interface: interface))
      wire.ends.append(
        Wire.End(
          host: host, abilities: attachment.abilities, interface: interface.rawValue,
          outbound: outbound, inbound: inbound))
      for prefix in attachment.prefixes {
        try hosts[host].stack.addAddress(prefix, on: interface, at: now)
        wire.addresses[prefix.address] = end
      }
    }
    wires.append(wire)
    for attachment in attachments { drain(attachment.host) }
    return number
  }

  /// Two hosts and a wire between them, the same both ways.
  ///
  /// - Returns: the wire's number.
  @discardableResult
  public mutating func connect(
    _ first: Int, _ firstPrefixes: [Prefix], _ second: Int, _ secondPrefixes: [Prefix],
    abilities: LinkAbilities = LinkAbilities(mtu: 1_500),
    conditions: WireConditions = WireConditions()
  ) throws(StackError) -> Int {
    try addWire(
      .direct,
      [
        WireAttachment(first, firstPrefixes, abilities: abilities, outbound: conditions),
        WireAttachment(second, secondPrefixes, abilities: abilities, outbound: conditions),
      ])
  }

  /// What the wire does to packets that an end sends.
  public func conditions(wire: Int, end: Int) -> WireConditions {
    pipes[wires[wire].ends[end].outbound].conditions
  }

  /// Changes what the wire does to packets that an end sends from now on; what is on its way stays
  /// on its way.
  public mutating func setConditions(_ conditions: WireConditions, wire: Int, end: Int) {
    pipes[wires[wire].ends[end].outbound].conditions = conditions
  }

  /// Changes what happens between a switch or cloud and one of its ends.
  public mutating func setInboundConditions(_ conditions: WireConditions, wire: Int, end: Int) {
    guard let inbound = wires[wire].ends[end].inbound else { return }
    pipes[inbound].conditions = conditions
  }

  /// Ends every fault on every wire, so that liveness can be demanded.
  public mutating func endFaults() {
    for index in pipes.indices { pipes[index].conditions = pipes[index].conditions.withoutFaults }
  }

  /// What happened to packets from one end of a wire.
  public func counters(wire: Int, end: Int) -> WireCounters {
    pipes[wires[wire].ends[end].outbound].counters
  }

  /// What happened to packets on all wires.
  public var wireCounters: WireCounters {
    pipes.reduce(WireCounters()) { $0 + $1.counters }
  }

  private mutating func addPipe(_ conditions: WireConditions, _ end: PipeEnd) -> Int {
    let luck = random.branch(0x7069_7065 &+ UInt64(pipes.count) &<< 32)
    pipes.append(Pipe(conditions, random: luck))
    pipeEnds.append(end)
    return pipes.count - 1
  }
}
