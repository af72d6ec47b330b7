public import Addresses
internal import CLinux
public import SystemPackage

// The system calls that send and receive datagrams, with what comes along with them.
extension KernelSocket {
  // MARK: Receiving

  /// A datagram's facts.
  public struct Arrival: Sendable {
    /// Bytes it had on the way, also those there was no room for.
    public let length: Int
    public let source: SocketAddress
    /// Where it was sent to, without a port; nil unless ``Option/packetInformation(ipv6:)`` is on.
    public let destination: IPAddress?
    /// Zero unless ``Option/packetInformation(ipv6:)`` is on.
    public let interfaceIndex: UInt32
    /// Zero unless ``Option/receiveHopLimit(ipv6:)`` is on.
    public let hopLimit: UInt8
    /// Zero unless ``Option/receiveTrafficClass(ipv6:)`` is on.
    public let trafficClass: UInt8
    /// Bytes of each of the datagrams that the kernel has put together into this one, the last
    /// perhaps shorter; zero where it is one. Never, unless ``Option/coalesce`` is on.
    public let segmentSize: Int

    fileprivate init(_ facts: clinux_datagram) {
      length = facts.length
      source = SocketAddress(facts.source) ?? SocketAddress(.v4(.any), port: .any)
      destination = SocketAddress(facts.destination)?.address
      interfaceIndex = facts.interface_index
      hopLimit = facts.hop_limit
      trafficClass = facts.traffic_class
      segmentSize = Int(facts.segment_size)
    }
  }

  /// - Parameter spill: takes what `bytes` has no room for.
  /// - Returns: nil when none waits.
  public func receive(
    into bytes: inout MutableSpan<UInt8>, spill: Spill? = nil
  ) throws(Errno) -> Arrival? {
    var facts = clinux_datagram()
    let count = try unsafe Errno.attempt(filling: &bytes) {
      unsafe clinux_receive_from(
        number, $0, $1, spill?.memory, spill == nil ? 0 : Spill.stride, &facts)
    }
    return count == nil ? nil : Arrival(facts)
  }

  /// Receives several datagrams, each to `stride` bytes of its own, and the rest of it to a place
  /// of its own in `spill`.
  ///
  /// - Parameters:
  ///   - limit: the most, up to 64.
  ///   - body: gets each datagram's number and facts, in order.
  /// - Returns: how many were received; nothing when none waits.
  public func receive(
    into bytes: inout MutableSpan<UInt8>, stride: Int, limit: Int = 64,
    spill: Spill? = nil, _ body: (Int, Arrival) -> Void
  ) throws(Errno) -> Int? {
    let places = stride > 0 ? bytes.count / stride : Spill.places
    let count = max(min(limit, places, Int(CLINUX_BATCH), Facts.count), 0)
    // On the stack: what a temporary allocation of this size would not be.
    var facts = Facts(repeating: clinux_datagram())
    let received = try unsafe Errno.attempt(filling: &bytes) { bytes, _ in
      unsafe facts.withUnsafeElements { facts in
        unsafe clinux_receive_batch(
          number, bytes, stride, UInt32(count), spill?.memory,
          spill == nil ? 0 : Spill.stride, facts)
      }
    }
    guard let received else { return nil }
    for index in 0..<min(Int(received), Facts.count) { body(index, Arrival(facts[index])) }
    return Int(received)
  }

  /// Room for what the kernel puts together: 64 places of 64 KiB, which take no memory until they
  /// are written to.
  @safe
  public final class Spill: @unchecked Sendable {
    public static let places = Int(CLINUX_BATCH)
    /// Bytes of a place.
    public static let stride = 65_536
    fileprivate let memory: UnsafeMutableRawPointer?

    public init() {
      // A large piece comes from the system fresh, zeroed and untouched.
      unsafe memory = clinux_zeroed(Self.places * Self.stride)
    }

    deinit { unsafe clinux_free(memory) }

    /// The first bytes of a place; whoever holds the memory alone may ask.
    public func withBytes<Result>(
      at place: Int, count: Int, _ body: (Span<UInt8>) -> Result
    ) -> Result {
      let isPlace = (0..<Self.places).contains(place)
      let offset = isPlace ? place * Self.stride : 0
      let bytes = unsafe UnsafeRawBufferPointer(
        start: memory?.advanced(by: offset), count: min(max(isPlace ? count : 0, 0), Self.stride))
      return body(unsafe bytes.bindMemory(to: UInt8.self).span)
    }
  }

  // MARK: Sending

  /// - Parameter remote: nil for the address the socket is connected to.
  /// - Returns: false when there is no room for it now.
  public func send(_ bytes: Span<UInt8>, to remote: SocketAddress?) throws(Errno) -> Bool {
    let count = try unsafe Errno.attempt(sending: bytes) {
      guard let remote else { return unsafe clinux_send(number, $0, $1) }
      var address = clinux_address(remote, asIPv6: isIPv6)
      return unsafe clinux_send_to(number, $0, $1, &address)
    }
    return count != nil
  }

  /// A datagram to be sent: where it goes, and how.
  public struct Outgoing: Sendable {
    /// nil for the address the socket is connected to.
    public var remote: SocketAddress?
    /// Its place in a batch's bytes.
    public var bytes: Range<Int>
    public var source: IPAddress?
    /// Zero leaves the choice to the kernel.
    public var interfaceIndex: UInt32 = 0
    /// nil for the socket's own.
    public var hopLimit: UInt8?
    public var trafficClass: UInt8?
    /// The version it leaves with, which on an IPv6 socket may be either.
    public var isIPv6: Bool

    public init(to remote: SocketAddress?, isIPv6: Bool, _ bytes: Range<Int> = 0..<0) {
      self.remote = remote
      self.isIPv6 = isIPv6
      self.bytes = bytes
    }
  }

  /// Sends one datagram.
  ///
  /// - Returns: false when there is no room for it now.
  public func send(_ bytes: Span<UInt8>, _ datagram: Outgoing) throws(Errno) -> Bool {
    var outgoing = clinux_outgoing(datagram, onIPv6: isIPv6)
    let count = try unsafe Errno.attempt(sending: bytes) {
      unsafe clinux_send_datagram(number, $0, $1, &outgoing)
    }
    return count != nil
  }

  /// Sends up to 64 datagrams.
  ///
  /// - Parameters:
  ///   - segments: whether neighbours of one length that go to one place may leave as one message
  ///     that the kernel, or the device, cuts (`UDP_SEGMENT`).
  ///   - datagram: the datagram of that number; its place must lie within `bytes`.
  /// - Returns: how many were sent, from the first on; nothing when there is no room for any.
  public func send(
    _ bytes: Span<UInt8>, count: Int, segments: Bool, _ datagram: (Int) -> Outgoing
  ) throws(Errno) -> Int? {
    let count = max(min(count, Int(CLINUX_BATCH), Choices.count), 0)
    var outgoing = Choices(repeating: clinux_outgoing())
    for index in 0..<count {
      var place = datagram(index)
      place.bytes = place.bytes.clamped(to: 0..<bytes.count)
      outgoing[index] = clinux_outgoing(place, onIPv6: isIPv6)
    }
    return try unsafe Errno.attempt(sending: bytes) { bytes, _ in
      unsafe outgoing.withUnsafeElements { outgoing in
        unsafe clinux_send_batch(number, bytes, UInt32(count), outgoing, segments ? 1 : 0)
      }
    }.map(Int.init)
  }
}

/// As many as a batch has.
private typealias Facts = [64 of clinux_datagram]
private typealias Choices = [64 of clinux_outgoing]

extension InlineArray where Element: BitwiseCopyable {
  /// Lets `body` have the elements where they are.
  @inline(__always)
  fileprivate mutating func withUnsafeElements<Value>(
    _ body: (UnsafeMutablePointer<Element>?) -> Value
  ) -> Value {
    var span = mutableSpan
    return unsafe span.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress) }
  }
}

extension clinux_outgoing {
  fileprivate init(_ datagram: KernelSocket.Outgoing, onIPv6 isIPv6: Bool) {
    self.init()
    if let remote = datagram.remote { self.remote = clinux_address(remote, asIPv6: isIPv6) }
    if let source = datagram.source {
      self.source = clinux_address(SocketAddress(source, port: .any), asIPv6: datagram.isIPv6)
    }
    offset = datagram.bytes.lowerBound
    length = datagram.bytes.count
    interface_index = datagram.interfaceIndex
    hop_limit = datagram.hopLimit.map(Int16.init) ?? -1
    traffic_class = datagram.trafficClass.map(Int16.init) ?? -1
    carrier = datagram.isIPv6 ? 6 : 4
  }
}
