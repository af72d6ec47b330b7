public import Addresses
public import Packets

/// A passive bystander on every wire: reads what is sent and what is delivered, keeps its own idea
/// of each TCP connection, and notes whatever no correct host would do. It shares no code with the
/// stack and no parser with `Packets`.
///
/// ```
///   host A --- sent ---> [faults] --- delivered ---> host B
///               |                          |
///               judged here                learned here: what B has been told
/// ```
///
/// A sender is judged by what was *delivered* to it: it may use a window only after hearing of it.
/// Memory grows with the number of connections seen.
public struct WireMonitor {
  /// What was broken.
  public enum Rule: String, Hashable, Sendable {
    case malformed = "a packet is malformed"
    case oversized = "a packet is larger than its link takes"
    case beyondWindow = "data beyond the window the peer offered"
    case acknowledgementWentBack = "the acknowledgement number went back"
    case acknowledgedUnsent = "an acknowledgement of what was never sent"
    case windowShrank = "the right edge of the window moved left"
    case segmentTooLarge = "a segment larger than the peer's maximum segment size"
    case dataAfterFIN = "data behind the end of the stream"
    case timestampMissing = "a segment without the agreed timestamp"
    case timestampWentBack = "the timestamp went back"
    case badSACK = "a selective acknowledgement of what was not sent, or not agreed"
    case storm = "segment upon segment that says nothing new"
  }

  /// One breach, as found.
  public struct Violation: CustomStringConvertible, Sendable {
    public var rule: Rule
    public var instant: Instant
    public var source: IPAddress
    public var sourcePort: UInt16
    public var destination: IPAddress
    public var destinationPort: UInt16
    public var detail: String

    public var description: String {
      "\(instant.nanoseconds) ns, \(source) port \(sourcePort) to \(destination) port "
        + "\(destinationPort): \(rule.rawValue) (\(detail))"
    }
  }

  /// The first breaches, at most ``violationLimit``.
  public private(set) var violations: [Violation] = []
  /// Breaches in all.
  public private(set) var violationCount = 0
  /// Bytes of TCP payload sent in all and sent again (RFC 793's "retransmission", seen from
  /// outside).
  public private(set) var payloadBytes = 0
  public private(set) var repeatedBytes = 0
  /// TCP segments sent, and those without anything that takes sequence space.
  public private(set) var segments = 0
  public private(set) var pureAcknowledgements = 0
  private var flows: [FlowKey: ObservedFlow] = [:]

  public static var violationLimit: Int { 20 }

  public init() {}

  /// A frame enters a wire.
  public mutating func sent(_ packet: borrowing Packet, linkHeader: Int, mtu: Int, at now: Instant)
  {
    let offload = packet.offload
    guard
      let observed = ObservedPacket(
        frame: packet.bytes, linkHeader: linkHeader,
        checksumIsPending: offload.needsChecksum || offload.checksumIsValid)
    else { return }
    if let flaw = observed.flaw {
      note(.malformed, observed, flaw.rawValue, at: now)
      return
    }
    if offload.segmentation == .none, observed.ipLength > mtu {
      note(.oversized, observed, "\(observed.ipLength) bytes, limit \(mtu)", at: now)
    }
    guard let segment = observed.segment else { return }
    segments += 1
    payloadBytes += segment.payload
    if segment.length == 0, !segment.isRST { pureAcknowledgements += 1 }
    let (key, isForward) = FlowKey.of(observed, segment)
    let size =
      offload.segmentation == .none
      ? segment.payload : min(segment.payload, Int(offload.segmentSize))
    var breaches: [(Rule, String)] = []
    let repeated = flows[key, default: ObservedFlow()].sent(
      segment, forward: isForward, largestPiece: size, breaches: &breaches)
    repeatedBytes += repeated
    for (rule, detail) in breaches { note(rule, observed, detail, at: now) }
  }

  /// A frame comes out of a wire, perhaps not as it went in.
  public mutating func delivered(_ packet: borrowing Packet, linkHeader: Int) {
    let offload = packet.offload
    guard
      let observed = ObservedPacket(
        frame: packet.bytes, linkHeader: linkHeader,
        checksumIsPending: offload.needsChecksum || offload.checksumIsValid),
      observed.flaw == nil, let segment = observed.segment
    else { return }
    let (key, isForward) = FlowKey.of(observed, segment)
    flows[key]?.delivered(segment, forward: isForward)
  }

  private mutating func note(
    _ rule: Rule, _ packet: ObservedPacket, _ detail: String, at now: Instant
  ) {
    violationCount += 1
    guard violations.count < Self.violationLimit else { return }
    violations.append(
      Violation(
        rule: rule, instant: now, source: packet.source,
        sourcePort: packet.segment?.sourcePort ?? 0, destination: packet.destination,
        destinationPort: packet.segment?.destinationPort ?? 0, detail: detail))
  }
}

/// Both ends of a connection in an order that does not depend on who speaks.
private struct FlowKey: Hashable {
  var low: IPAddress
  var high: IPAddress
  var lowPort: UInt16
  var highPort: UInt16

  /// The key, and whether the packet goes from its low end to its high one.
  static func of(
    _ packet: ObservedPacket, _ segment: ObservedPacket.Segment
  ) -> (key: FlowKey, isForward: Bool) {
    let forward = FlowKey(
      low: packet.source, high: packet.destination, lowPort: segment.sourcePort,
      highPort: segment.destinationPort)
    let isForward = rank(packet.source, segment.sourcePort)
      .lexicographicallyPrecedes(rank(packet.destination, segment.destinationPort))
    if isForward { return (forward, true) }
    return (
      FlowKey(
        low: packet.destination, high: packet.source, lowPort: segment.destinationPort,
        highPort: segment.sourcePort), false
    )
  }

  private static func rank(_ address: IPAddress, _ port: UInt16) -> [UInt64] {
    switch address {
    case .v4(let address): [UInt64(address.rawValue), 0, UInt64(port)]
    case .v6(let address): [address.high, address.low, UInt64(port)]
    }
  }
}
