import Addresses
import Host
import Packets
import Synchronization
import SystemPackage

/// A TCP connection of the kernel's.
final class KernelStream: StreamImplementation, KernelImplementation {
  let handle: KernelHandle
  /// nil where epoll tells when there is something to read.
  let ahead: ReadAhead?
  private let counters: HostCounters
  /// It was given out, and not closed since.
  private let isOpen = Atomic(false)

  /// - Parameters:
  ///   - socket: owned from now on.
  ///   - isReady: false for one whose handshake is about to begin.
  init(
    _ socket: KernelSocket, _ lease: KernelLease, _ counters: HostCounters, isReady: Bool = true
  ) {
    self.counters = counters
    ahead = lease.core.ring.map { ReadAhead($0.buffers) }
    handle = KernelHandle(socket, lease, ahead: ahead, isReady: isReady)
  }

  func tryReadiness() throws(SocketError.Reason) -> Attempt<Void> { try handle.tryReadiness() }

  func tryRead(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<Int> {
    let room = bytes.count
    if room == 0 { return .done(0) }
    if let ahead { return try tryRead(ahead, into: &bytes) }
    return try handle.tryReading { socket throws(Errno) in
      guard let count = try socket.read(into: &bytes) else { return nil }
      // Less than there was room for: nothing is left. The end is there to be read again.
      return (count, count == room || count == 0)
    }
  }

  private func tryRead(
    _ ahead: ReadAhead, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<Int> {
    if let count = try handle.takeAhead({ ahead.take(into: &bytes) }) { return .done(count) }
    return try handle.tryReading { socket throws(Errno) in
      let outcome = try ahead.read(from: socket, into: &bytes)
      if let request = outcome.request { handle.ask(request) }
      return outcome.count.map { ($0, outcome.mayHaveMore) }
    }
  }

  func tryWrite(_ bytes: Span<UInt8>) throws(SocketError.Reason) -> Attempt<Int> {
    let attempt: Attempt<Int> = try handle.tryWriting { socket throws(Errno) in
      if let failure = ahead?.takeFailure() { throw failure }
      let count = try socket.write(bytes)
      if count ?? 0 < bytes.count { handle.awaitRoom() }
      return count.map { ($0, $0 == bytes.count) }
    }
    if case .wouldBlock = attempt { return .done(0) }
    return attempt
  }

  func shutdownSend() async throws(SocketError.Reason) {
    try handle.use { socket throws(Errno) in try socket.shutdownSend() }
  }

  func setOptions(_ options: TCPOptions) async throws(SocketError.Reason) {
    try KernelSocket.mustExist(options.device)
    try handle.use { socket throws(Errno) in try socket.set(options) }
  }

  func info() async throws(SocketError.Reason) -> TCPConnection.Info {
    TCPConnection.Info(try handle.use { socket throws(Errno) in try socket.information() })
  }

  func endWaits() { handle.endWaits() }

  func abort() {
    noteEnd()
    handle.abort()
  }

  func close() {
    noteEnd()
    handle.close()
  }

  /// It is about to be given out: from now on its end counts.
  func begin(_ note: () -> Void) {
    note()
    isOpen.store(true, ordering: .relaxed)
  }

  private func noteEnd() {
    if isOpen.exchange(false, ordering: .relaxed) { counters.noteClosed() }
  }
}

extension TCPConnection.Info {
  init(_ kernel: KernelSocket.TCPInformation) {
    self.init(
      state: TCPConnection.State(kernel: kernel.state),
      roundTripTime: kernel.roundTripTime == 0
        ? nil : .microseconds(Int64(kernel.roundTripTime)),
      congestionWindow: Int(clamping: kernel.congestionWindow), bytesSent: kernel.bytesSent,
      bytesReceived: kernel.bytesReceived,
      retransmittedSegments: UInt64(kernel.retransmittedSegments))
    if kernel.roundTripTime > 0 {
      roundTripVariation = .microseconds(Int64(kernel.roundTripVariation))
    }
    if kernel.minimumRoundTrip > 0 {
      minimumRoundTripTime = .microseconds(Int64(kernel.minimumRoundTrip))
    }
    retransmissionTimeout = .microseconds(Int64(kernel.retransmissionTimeout))
    slowStartThreshold = kernel.slowStartThreshold.map { Int(clamping: $0) }
    maximumSegmentSize = Int(kernel.maximumSegment)
    bytesNotSent = Int(kernel.notSentBytes)
    segmentsInFlight = Int(kernel.unacknowledged)
    bytesAcknowledged = kernel.bytesAcknowledged
    segmentsSent = UInt64(kernel.segmentsSent)
    segmentsReceived = UInt64(kernel.segmentsReceived)
    lostSegments = Int(kernel.lost)
    reordering = Int(kernel.reordering)
    deliveryRate = kernel.deliveryRate == 0 ? nil : kernel.deliveryRate
    bytesRetransmitted = kernel.bytesRetransmitted
    dataSegmentsSent = UInt64(kernel.dataSegmentsSent)
    dataSegmentsReceived = UInt64(kernel.dataSegmentsReceived)
    if kernel.dataSegmentsSent > 0 { timeSinceSent = .milliseconds(Int64(kernel.sinceDataSent)) }
    if kernel.dataSegmentsReceived > 0 {
      timeSinceReceived = .milliseconds(Int64(kernel.sinceDataReceived))
    }
    busyTime = .microseconds(Int64(clamping: kernel.busyTime))
    windowLimitedTime = .microseconds(Int64(clamping: kernel.windowLimitedTime))
  }
}

extension TCPConnection.State {
  /// As linux/tcp_states.h counts them.
  init(kernel state: UInt8) {
    self =
      switch state {
      case 1: .established
      case 2: .synSent
      case 3, 12: .synReceived
      case 4: .finWait1
      case 5: .finWait2
      case 6: .timeWait
      case 8: .closeWait
      case 9: .lastAck
      case 11: .closing
      default: .closed
      }
  }
}

extension KernelSocket {
  /// Sets what was chosen, and leaves to the kernel what was not.
  func set(_ options: TCPOptions) throws(Errno) {
    try set(.noDelay, to: options.noDelay ? 1 : 0)
    try set(.keepAlive, to: options.keepAlive == nil ? 0 : 1)
    if let keepAlive = options.keepAlive {
      try set(.keepIdle, to: keepAlive.idle.wholeSeconds)
      try set(.keepInterval, to: keepAlive.interval.wholeSeconds)
      try set(.keepCount, to: keepAlive.probes)
    }
    try set(.userTimeout, to: options.userTimeout.map(\.wholeMilliseconds) ?? 0)
    // The kernel doubles what it is told, for its own bookkeeping (socket(7)).
    if let limit = options.sendBufferLimit { try set(.sendBuffer, to: limit / 2) }
    if let limit = options.receiveBufferLimit { try set(.receiveBuffer, to: limit / 2) }
    if let size = options.maximumSegmentSize { try set(.maximumSegment, to: size) }
    if let device = options.device { try setDevice(device) }
    switch options.congestionControl {
    case .newReno: try setCongestionControl("reno")
    case .cubic: try setCongestionControl("cubic")
    case nil: break
    }
  }
}

extension Duration {
  /// Rounded up, at least one.
  var wholeSeconds: Int {
    let (seconds, attoseconds) = components
    return max(Int(clamping: seconds) + (attoseconds > 0 ? 1 : 0), 1)
  }

  /// Rounded up, at least one.
  var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    let fraction = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
    return overflow ? .max : max(Int(clamping: product) + Int(clamping: fraction), 1)
  }
}
