import Addresses
import Packets
import ProtocolStack

extension TCPSocketOptions {
  /// The public options in the stack's words.
  ///
  /// - Throws: ``SocketError/Reason/invalidOperation`` for what Linux refuses, by its limits
  ///   (tcp(7)): segments of 88 to 32,767 bytes, 1 to 127 probes, up to 32,767 seconds apart.
  init(_ options: TCPOptions) throws(SocketError.Reason) {
    self.init()
    noDelay = options.noDelay
    if let size = options.maximumSegmentSize, !(88...32_767).contains(size) {
      throw .invalidOperation
    }
    if let keepAlive = options.keepAlive {
      let longest = Duration.seconds(32_767)
      guard (1...127).contains(keepAlive.probes), keepAlive.idle <= longest,
        keepAlive.interval <= longest
      else { throw .invalidOperation }
      keepAliveIdle = Interval(keepAlive.idle)
      keepAliveInterval = Interval(keepAlive.interval)
      keepAliveProbes = keepAlive.probes
    }
    userTimeout = options.userTimeout.map { Interval($0) }
    sendBufferLimit = options.sendBufferLimit
    receiveBufferLimit = options.receiveBufferLimit
    maximumSegmentSize = options.maximumSegmentSize
    congestionControl =
      switch options.congestionControl {
      case .newReno: .newReno
      case .cubic: .cubic
      case nil: nil
      }
  }
}

extension TCPSocketOptions {
  /// What ``TCPOptions`` do not have stays as it is.
  mutating func keepOthers(of present: Self) {
    isCorked = present.isCorked
    notSentLowWater = present.notSentLowWater
    trafficClass = present.trafficClass
    hopLimit = present.hopLimit
    deferAccept = present.deferAccept
    device = device ?? present.device
    priority = present.priority
    mark = present.mark
  }
}

extension UDPSocketOptions {
  /// The public options in the stack's words.
  init(_ options: UDPOptions) {
    self.init()
    if let limit = options.receiveBufferLimit { receiveBufferSize = limit }
    allowsBroadcast = options.allowsBroadcast
    hopLimit = options.hopLimit
    multicastHopLimit = options.multicastHopLimit
    loopsMulticast = options.loopsMulticast
    trafficClass = options.trafficClass.rawValue
    priority = options.trafficClass.priority
    reusesAddress = options.reusesAddress
    reusesPort = options.reusesPort
  }
}

extension TrafficClass {
  /// The priority that Linux gives a socket with its type of service (ip(7); RFC 1349's).
  var priority: UInt32 {
    switch (rawValue & 0x1E) >> 1 {
    case 4..<8: 2
    case 8..<12: 6
    case 12..<16: 4
    default: 0
    }
  }
}

extension DatagramChoices {
  /// The public options in the stack's words. An interface that cannot be is one that is not there.
  init(_ options: DatagramOptions) {
    self.init()
    source = options.source
    if options.interfaceIndex > 0 {
      interface = InterfaceIndex(rawValue: UInt8(clamping: options.interfaceIndex))
    }
    hopLimit = options.hopLimit
    trafficClass = options.trafficClass?.rawValue
  }
}

extension TCPConnection.Info {
  init(_ info: TCPInfo) {
    self.init(
      state: TCPConnection.State(info.state), roundTripTime: info.roundTrip.map { Duration($0) },
      congestionWindow: info.congestionWindow, bytesSent: info.bytesSent,
      bytesReceived: info.bytesReceived, retransmittedSegments: info.retransmittedSegments)
    if info.roundTrip != nil { roundTripVariation = Duration(info.roundTripVariation) }
    minimumRoundTripTime = info.minimumRoundTrip.map { Duration($0) }
    retransmissionTimeout = Duration(info.retransmissionTimeout)
    slowStartThreshold = info.slowStartThreshold == .max ? nil : info.slowStartThreshold
    maximumSegmentSize = info.maximumSegmentSize
    bytesNotSent = max(info.bytesQueued - info.bytesUnacknowledged, 0)
    bytesAcknowledged = info.bytesAcknowledged
    let segment = max(info.maximumSegmentSize, 1)
    segmentsInFlight = (info.bytesUnacknowledged + segment - 1) / segment
    lostSegments = (info.bytesLost + segment - 1) / segment
    reordering = info.reordering
    segmentsSent = info.segmentsSent
    segmentsReceived = info.segmentsReceived
    bytesRetransmitted = info.bytesRetransmitted
    dataSegmentsSent = info.dataSegmentsSent
    dataSegmentsReceived = info.dataSegmentsReceived
    timeSinceSent = info.sinceDataSent.map { Duration($0) }
    // The handshake counts as an arrival there.
    if info.dataSegmentsReceived > 0 {
      timeSinceReceived = info.sinceDataReceived.map { Duration($0) }
    }
    busyTime = Duration(info.busyTime)
    windowLimitedTime = Duration(info.windowLimitedTime)
  }
}

extension SocketAddress {
  /// RFC 4007 §6: a link-local address says nothing without its link. The stack would take the only
  /// one there is, and another one as soon as there are two. Of single datagrams Linux does, too.
  ///
  /// - Parameter zone: the link's number where another address of the socket's tells it.
  /// - Throws: ``SocketError/Reason/invalidOperation``, as Linux does (ipv6(7)).
  func mustNameLink(or zone: @autoclosure () -> UInt32 = 0) throws(SocketError.Reason) {
    guard self.zone == 0, address.isIPv6, address.isLinkLocal, zone() == 0 else { return }
    throw .invalidOperation
  }
}

extension TCPConnection.State {
  init(_ state: ConnectionState) {
    self =
      switch state {
      case .closed: .closed
      case .synSent: .synSent
      case .synReceived: .synReceived
      case .established: .established
      case .finWait1: .finWait1
      case .finWait2: .finWait2
      case .closeWait: .closeWait
      case .closing: .closing
      case .lastAck: .lastAck
      case .timeWait: .timeWait
      }
  }
}
