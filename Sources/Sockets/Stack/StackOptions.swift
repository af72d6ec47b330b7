import Packets
import ProtocolStack

extension TCPSocketOptions {
  /// The public options in the stack's words.
  init(_ options: TCPOptions) {
    self.init()
    noDelay = options.noDelay
    if let keepAlive = options.keepAlive {
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

extension UDPSocketOptions {
  /// The public options in the stack's words.
  init(_ options: UDPOptions) {
    self.init()
    if let limit = options.receiveBufferLimit { receiveBufferSize = limit }
    allowsBroadcast = options.allowsBroadcast
    hopLimit = options.hopLimit
    multicastHopLimit = options.multicastHopLimit
    loopsMulticast = options.loopsMulticast
  }
}

extension TCPConnection.Info {
  init(_ info: TCPInfo) {
    self.init(
      state: TCPConnection.State(info.state), roundTripTime: info.roundTrip.map { Duration($0) },
      congestionWindow: info.congestionWindow, bytesSent: info.bytesSent,
      bytesReceived: info.bytesReceived, retransmittedSegments: info.retransmittedSegments)
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
