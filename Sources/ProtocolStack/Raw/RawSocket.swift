import Addresses
import Packets

/// A socket that sends and hears IP packets of one protocol.
struct RawSocket: ~Copyable {
  let version: IPVersion
  let `protocol`: IPProtocol
  /// Packets to this address alone are heard, and sent from it, in mapped form; nothing: any.
  var local: IPv6Address?
  /// The interface that link-local addresses are meant on; zero: whichever.
  var zone: UInt32 = 0
  /// Packets of this host alone are heard.
  var remote: SocketAddress?
  var options: RawSocketOptions
  var queue: DatagramQueue
  /// What went wrong since, told once.
  var failure: StackError?
  var events = EventFlags()
  /// Waits for room in an interface's queue.
  var isWaiting = false

  init(version: IPVersion, protocol: IPProtocol, options: RawSocketOptions) {
    self.version = version
    self.protocol = `protocol`
    self.options = options
    queue = DatagramQueue(limit: max(options.receiveBufferSize, 0))
  }

  /// A socket that nobody has.
  static var standIn: RawSocket {
    RawSocket(version: .v6, protocol: .noNextHeader, options: RawSocketOptions())
  }

  /// Whether a packet is for this socket.
  ///
  /// - Parameter device: which it has come by.
  func hears(
    _ protocol: IPProtocol, _ delivery: ProtocolStack.Delivery, by device: InterfaceIndex
  ) -> Bool {
    guard `protocol` == self.protocol, delivery.source.isIPv4 == (version == .v4) else {
      return false
    }
    if let local, local != delivery.destination.mapped {
      // As on Linux: what goes to groups, an IPv6 socket hears at whatever address.
      guard version == .v6, delivery.destination.isMulticast else { return false }
    }
    if let remote, remote.address != delivery.source { return false }
    if let own = options.device, own != device { return false }
    return zone == 0 || zone == delivery.arrival.number
  }
}

/// What can be chosen about a raw socket.
public struct RawSocketOptions: Hashable, Sendable {
  /// Bytes that may wait to be read, each packet with an overhead of
  /// ``UDPSocketOptions/datagramOverhead`` (`SO_RCVBUF`).
  public var receiveBufferSize = 1 << 20
  /// What is sent begins with its IP header (`IP_HDRINCL`, `IPV6_HDRINCL`).
  public var includesHeader = false
  /// Whether packets may go to broadcast addresses (`SO_BROADCAST`).
  public var allowsBroadcast = false
  /// The hop limit of unicast packets; nothing: the stack's.
  public var hopLimit: UInt8?
  public var multicastHopLimit: UInt8 = 1
  /// Whether raw sockets here hear what this one sends to a group (`IP_MULTICAST_LOOP`).
  public var loopsMulticast = true
  public var trafficClass: UInt8 = 0
  /// Where in what IPv6 sockets send and receive the stack keeps a checksum as UDP has it, in bytes
  /// from the beginning; even. Nothing: nowhere. ICMPv6 sockets have it at 2 always
  /// (`IPV6_CHECKSUM`, RFC 3542 §3.1).
  public var checksumOffset: Int?
  /// Which messages ICMPv6 sockets hear.
  public var filter = ICMPv6Filter.passingAll
  /// The interface its packets go by and come by; nil: any (`SO_BINDTODEVICE`).
  public var device: InterfaceIndex?
  /// Kept and told, and without effect: no queue and no filter below looks at them (`SO_PRIORITY`,
  /// `SO_MARK`).
  public var priority: UInt32 = 0
  public var mark: UInt32 = 0

  public init() {}
}

/// A set of ICMPv6 message types (`ICMP6_FILTER`, RFC 3542 §3.2).
public struct ICMPv6Filter: Hashable, Sendable {
  private var words: (UInt64, UInt64, UInt64, UInt64)

  /// Every type.
  public static var passingAll: Self { Self(words: (.max, .max, .max, .max)) }
  /// No type.
  public static var blockingAll: Self { Self(words: (0, 0, 0, 0)) }

  /// Whether messages of a type pass.
  public subscript(type: UInt8) -> Bool {
    get {
      let bit = UInt64(1) &<< UInt64(type & 63)
      switch type &>> 6 {
      case 0: return words.0 & bit != 0
      case 1: return words.1 & bit != 0
      case 2: return words.2 & bit != 0
      default: return words.3 & bit != 0
      }
    }
    set {
      let bit = UInt64(1) &<< UInt64(type & 63)
      switch type &>> 6 {
      case 0: words.0 = newValue ? words.0 | bit : words.0 & ~bit
      case 1: words.1 = newValue ? words.1 | bit : words.1 & ~bit
      case 2: words.2 = newValue ? words.2 | bit : words.2 & ~bit
      default: words.3 = newValue ? words.3 | bit : words.3 & ~bit
      }
    }
  }

  public static func == (a: Self, b: Self) -> Bool { a.words == b.words }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}
