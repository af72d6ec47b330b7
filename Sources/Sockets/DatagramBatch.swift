public import Addresses
import Packets

/// Memory for several datagrams, so that one call receives or sends them all: on the kernel's
/// sockets one system call carries up to 64.
///
/// Where the kernel can, datagrams of one length that go to one place leave as one message, which
/// the kernel or the device cuts (`UDP_SEGMENT`), and arrive put together, to be taken apart here
/// (`UDP_GRO`); for the latter the first call that receives on a socket must be one with a batch.
///
/// ```
/// var batch = DatagramBatch(capacity: 64, maximumSize: 1_500)
/// while true {
///   try await socket.receive(into: &batch)  // what there is, at least one
///   for index in 0..<batch.count { handle(batch.bytes(at: index), from: batch[index].remote) }
/// }
/// ```
public struct DatagramBatch: ~Copyable, Sendable {
  /// A datagram's facts.
  public struct Element: Hashable, Sendable {
    /// Bytes there are of it.
    public let count: Int
    /// It was longer than ``DatagramBatch/maximumSize``; the rest is lost.
    public let isTruncated: Bool
    /// The other side: who sent it, or who it goes to; nil for the one the socket is connected to.
    public let remote: Endpoint?
    /// What came with it, of those received.
    public let header: DatagramHeader?
    /// How it is to be sent.
    public let options: DatagramOptions

    /// Where it was sent to, of those received: an address of this node's, or a group's.
    public var local: Endpoint? { header?.destination }
  }

  /// The most datagrams it holds.
  public let capacity: Int
  /// The most bytes of each.
  public let maximumSize: Int
  var storage: [UInt8]
  private(set) var elements: [Element] = []

  /// Allocates the memory, once.
  ///
  /// - Parameters:
  ///   - capacity: datagrams, at least one.
  ///   - maximumSize: bytes of each, 1 to 65,535.
  public init(capacity: Int, maximumSize: Int = 2_048) {
    self.capacity = max(capacity, 1)
    self.maximumSize = min(max(maximumSize, 1), 65_535)
    storage = [UInt8](repeating: 0, count: self.capacity * self.maximumSize)
    elements.reserveCapacity(self.capacity)
  }

  /// The datagrams it holds.
  public var count: Int { elements.count }
  public var isEmpty: Bool { elements.isEmpty }

  /// The facts of a datagram, `0 ..< count`.
  public subscript(index: Int) -> Element { elements[index] }

  /// The bytes of a datagram, `0 ..< count`.
  @_lifetime(borrow self)
  public func bytes(at index: Int) -> Span<UInt8> { storage.span.extracting(place(of: index)) }

  /// Adds a copy of `bytes`, to be sent.
  ///
  /// - Parameters:
  ///   - remote: a `udp://` endpoint; nil for the one the socket is connected to.
  ///   - options: what is to differ from the socket's own options.
  /// - Returns: false, and nothing is added, where the batch is full or the bytes are too many.
  public mutating func append(
    _ bytes: Span<UInt8>, to remote: Endpoint? = nil,
    with options: DatagramOptions = DatagramOptions()
  ) -> Bool {
    guard count < capacity, bytes.count <= maximumSize else { return false }
    write(bytes)
    elements.append(
      Element(
        count: bytes.count, isTruncated: false, remote: remote, header: nil, options: options))
    return true
  }

  /// Copies what there is room for to ``room``.
  mutating func write(_ bytes: Span<UInt8>) {
    let place = room
    var storage = storage.mutableSpan
    var target = storage._mutatingExtracting(place)
    bytes.copy(into: &target, at: 0)
  }

  /// Empties the batch, and keeps its memory.
  public mutating func removeAll() { elements.removeAll(keepingCapacity: true) }

  /// Where the bytes of a datagram lie.
  func place(of index: Int) -> Range<Int> {
    let start = index * maximumSize
    return start..<start + elements[index].count
  }

  /// Where the bytes of the next datagram will lie.
  var room: Range<Int> { count * maximumSize..<(count + 1) * maximumSize }

  /// Lets `body` write datagrams to the memory, from the beginning on, and say of each what it is.
  mutating func fill<Value, Failure: Error>(
    _ body: (inout MutableSpan<UInt8>, (DatagramHeader) -> Void) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    // Taken out, so that both can be written to.
    var bytes: [UInt8] = []
    swap(&bytes, &storage)
    defer { swap(&bytes, &storage) }
    var span = bytes.mutableSpan
    return try body(&span) { add($0) }
  }

  /// Notes that a datagram has been written to ``room``.
  mutating func add(_ header: DatagramHeader) {
    elements.append(
      Element(
        count: header.count, isTruncated: header.isTruncated, remote: header.source,
        header: header, options: DatagramOptions()))
  }
}

extension UDPSocket {
  /// Receives what there is, at least one datagram, at most what `batch` holds, whose content it
  /// replaces. Does not allocate. Cancelled or out of time, it has taken nothing.
  ///
  /// - Returns: how many.
  @discardableResult
  public func receive(
    into batch: inout DatagramBatch, timeout: Duration? = nil
  ) async throws(SocketError) -> Int {
    batch.removeAll()
    do throws(SocketError.Reason) {
      try await receiveBatch(&batch, timeout)
      return batch.count
    } catch {
      throw SocketError(.receive, local: local, reason: error)
    }
  }

  /// Sends the datagrams of a batch, in their order; waits while there is no room for them. Does
  /// not allocate. Cancelled, out of time or refused, it has sent those before.
  public func send(
    _ batch: borrowing DatagramBatch, timeout: Duration? = nil
  ) async throws(SocketError) {
    for index in 0..<batch.count { try batch[index].remote?.mustBe(.udp, for: .send) }
    do throws(SocketError.Reason) {
      try await sendBatch(batch, timeout)
    } catch {
      throw SocketError(.send, local: local, reason: error)
    }
  }
}
