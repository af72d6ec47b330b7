import Addresses

/// The walk through the extension headers of an IPv6 packet (RFC 8200 §4), to the protocol that
/// the packet carries or to the reason why it goes no further.
///
/// The walk is bounded: at most ``maximumHeaders`` headers and ``maximumOptions`` options. What it
/// does not know (encryption, authentication, mobility and everything newer) is the upper layer's
/// protocol, which answers for it.
public struct IPv6ExtensionWalk: Equatable, Sendable {
  public enum Outcome: Equatable, Sendable {
    /// The payload of the packet begins at ``IPv6ExtensionWalk/offset``.
    case payload
    /// The packet is one piece of a datagram, with ``IPv6ExtensionWalk/fragment`` saying which;
    /// its bytes begin at ``IPv6ExtensionWalk/offset``.
    case fragment
    /// The packet is discarded, and its sender told where in it the reason lies (RFC 4443 §3.4).
    case parameterProblem(code: UInt8, pointer: UInt32)
    /// The packet is discarded in silence.
    case drop(Malformed)
  }

  public static var maximumHeaders: Int { 8 }
  public static var maximumOptions: Int { 64 }

  public private(set) var outcome: Outcome = .payload
  /// What begins at ``offset``.
  public private(set) var `protocol`: IPProtocol
  /// Bytes from the beginning of the IPv6 header.
  public private(set) var offset: Int
  /// Where the octet lies that names ``protocol``.
  public private(set) var nextHeaderOffset: Int
  /// The Fragment header that was passed, atomic or not.
  public private(set) var fragment: FragmentHeader?
  /// Where the Fragment header begins, if there is one.
  public private(set) var fragmentOffset: Int
  /// Where the octet lies that named the Fragment header: what reassembly puts its own next header
  /// in place of.
  public private(set) var fragmentNextHeaderOffset: Int

  private var end: Int
  private var headers = 0
  private var options = 0
  private var destinationIsMulticast: Bool

  /// - Parameters:
  ///   - packet: from the beginning of the IPv6 header.
  ///   - header: what was parsed from it.
  ///   - isReassembled: whether the packet was put together from fragments, so that none may be
  ///     found in it.
  public init(_ packet: Span<UInt8>, header: IPv6Header, isReassembled: Bool = false) {
    self.protocol = header.nextHeader
    offset = IPv6Header.size
    nextHeaderOffset = 6
    fragment = nil
    fragmentOffset = 0
    fragmentNextHeaderOffset = 0
    end = min(packet.count, header.totalLength)
    destinationIsMulticast = header.destination.high &>> 56 == 0xFF
    switch header.nextHeader {
    case .tcp, .udp, .icmpv6: return
    default: walk(packet, isReassembled: isReassembled)
    }
  }

  private mutating func walk(_ packet: Span<UInt8>, isReassembled: Bool) {
    while outcome == .payload {
      switch self.protocol {
      case .hopByHopOptions:
        // RFC 8200 §4.1: only right behind the IPv6 header.
        guard headers == 0 else {
          outcome = .parameterProblem(
            code: 1, pointer: UInt32(truncatingIfNeeded: nextHeaderOffset))
          return
        }
        passOptions(packet)
      case .destinationOptions: passOptions(packet)
      case .routing: passRouting(packet)
      case .fragment:
        guard !isReassembled, fragment == nil else { return drop(.badFragment) }
        passFragment(packet)
      case .noNextHeader: return drop(.noNextHeader)
      default: return
      }
    }
  }

  private mutating func drop(_ reason: Malformed) { outcome = .drop(reason) }

  private mutating func problem(code: UInt8, at pointer: Int) {
    outcome = .parameterProblem(code: code, pointer: UInt32(truncatingIfNeeded: pointer))
  }

  /// The length of the extension header at ``offset``, when all of it is there.
  private mutating func headerLength(_ packet: Span<UInt8>) -> Int? {
    headers &+= 1
    guard headers <= Self.maximumHeaders else {
      drop(.tooMany)
      return nil
    }
    guard offset &+ 8 <= end else {
      drop(.truncated)
      return nil
    }
    let length = Int(packet.uint8(at: offset &+ 1)) &* 8 &+ 8
    guard length <= end &- offset else {
      problem(code: 0, at: offset &+ 1)
      return nil
    }
    return length
  }

  private mutating func advance(_ packet: Span<UInt8>, by length: Int) {
    self.protocol = IPProtocol(rawValue: packet.uint8(at: offset))
    nextHeaderOffset = offset
    offset &+= length
  }

  private mutating func passRouting(_ packet: Span<UInt8>) {
    guard let length = headerLength(packet) else { return }
    // RFC 8200 §4.4, RFC 5095 §3: no type is known here, and type 0 must be treated so. With no
    // segments left the header is passed over, else the sender is told.
    guard packet.uint8(at: offset &+ 3) == 0 else { return problem(code: 0, at: offset &+ 2) }
    advance(packet, by: length)
  }

  private mutating func passOptions(_ packet: Span<UInt8>) {
    guard let length = headerLength(packet) else { return }
    let limit = offset &+ length
    var position = offset &+ 2
    while position < limit {
      options &+= 1
      guard options <= Self.maximumOptions else { return drop(.tooMany) }
      let kind = packet.uint8(at: position)
      if kind == 0 {
        position &+= 1
        continue
      }
      guard position &+ 1 < limit else { return drop(.badOption) }
      let optionLength = Int(packet.uint8(at: position &+ 1)) &+ 2
      guard optionLength <= limit &- position else { return drop(.badOption) }
      // PadN, and Router Alert (RFC 2711), which says nothing to a host.
      if kind != 1, kind != 5 {
        guard mayIgnore(kind, at: position) else { return }
      }
      position &+= optionLength
    }
    advance(packet, by: length)
  }

  /// RFC 8200 §4.2: the two highest bits of a kind that is not known say what is to be done.
  private mutating func mayIgnore(_ kind: UInt8, at position: Int) -> Bool {
    switch kind &>> 6 {
    case 0: return true
    case 1: drop(.unrecognizedOption)
    case 2: problem(code: 2, at: position)
    default:
      if destinationIsMulticast {
        drop(.unrecognizedOption)
      } else {
        problem(code: 2, at: position)
      }
    }
    return false
  }

  private mutating func passFragment(_ packet: Span<UInt8>) {
    headers &+= 1
    guard headers <= Self.maximumHeaders else { return drop(.tooMany) }
    guard
      let found = try? FragmentHeader(parsing: packet.slice(from: offset, length: end &- offset))
    else { return drop(.truncated) }
    fragment = found
    fragmentOffset = offset
    fragmentNextHeaderOffset = nextHeaderOffset
    advance(packet, by: FragmentHeader.size)
    guard !found.isAtomic else { return }
    let length = end &- offset
    // RFC 8200 §4.5: all but the last are multiples of 8 long, and none reaches past 65,535.
    guard !found.moreFragments || length & 7 == 0 else { return problem(code: 0, at: 4) }
    guard found.offset &+ length <= 65_535 else {
      return problem(code: 0, at: fragmentOffset &+ 2)
    }
    guard length > 0 else { return drop(.badFragment) }
    if found.offset == 0, !holdsWholeChain(packet) {
      // RFC 7112 §5: the first fragment holds every header.
      return problem(code: 3, at: 0)
    }
    outcome = .fragment
  }

  /// Whether the rest of a first fragment holds all headers up to the transport's.
  private func holdsWholeChain(_ packet: Span<UInt8>) -> Bool {
    var position = offset
    var next = self.protocol
    var count = headers
    while count <= Self.maximumHeaders {
      switch next {
      case .hopByHopOptions, .routing, .destinationOptions, .fragment:
        guard position &+ 8 <= end else { return false }
        let length = next == .fragment ? 8 : Int(packet.uint8(at: position &+ 1)) &* 8 &+ 8
        next = IPProtocol(rawValue: packet.uint8(at: position))
        position &+= length
        count &+= 1
      case .tcp: return position &+ TCPHeader.size <= end
      case .udp, .icmpv6: return position &+ UDPHeader.size <= end
      default: return position <= end
      }
    }
    return false
  }
}
