import DequeModule
import Host
import Packets
import Synchronization
import SystemPackage

/// What a socket needs where the kernel puts datagrams together (`UDP_GRO`).
///
/// From then on every call must have room for 64 KiB, or loses what it cannot see: so it is the
/// first call that receives, which decides for good.
final class Coalescing: Sendable {
  private let decision = Atomic<UInt8>(undecided)
  fileprivate let carry = Mutex(Carry())

  private static let undecided: UInt8 = 0
  private static let plain: UInt8 = 1
  private static let coalesced: UInt8 = 2

  /// Memory for calls under way: as many as there were threads in them at once.
  private static let spills = Mutex<[KernelSocket.Spill]>([])

  /// Decides, if nobody has.
  ///
  /// - Returns: whether the kernel puts datagrams together, or is about to be asked to.
  func decide(wanted: Bool) -> Bool {
    let known = decision.load(ordering: .acquiring)
    guard known == Self.undecided else { return known == Self.coalesced }
    let (isMine, original) = decision.compareExchange(
      expected: Self.undecided, desired: wanted ? Self.coalesced : Self.plain,
      ordering: .acquiringAndReleasing)
    return isMine ? wanted : original == Self.coalesced
  }

  static func withSpill<Value, Failure: Error>(
    _ body: (KernelSocket.Spill) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let spill = spills.withLock { $0.popLast() } ?? KernelSocket.Spill()
    defer { spills.withLock { $0.append(spill) } }
    return try body(spill)
  }
}

/// Datagrams that came put together with others, and that nobody has read yet.
private struct Carry: Sendable {
  struct Message: Sendable {
    var bytes: [UInt8]
    var position = 0
    let arrival: KernelSocket.Arrival
  }

  var messages: Deque<Message> = []
  /// The kernel has been asked.
  var isAsked = false
  /// The last call found datagrams put together: so will the next.
  var isWide = false
  /// How many there were in one.
  var segments = 1

  /// Hands out the next datagram.
  mutating func popFirst(
    _ body: (Span<UInt8>, KernelSocket.Arrival) -> Void
  ) -> Bool {
    guard let message = messages.first else { return false }
    let end = message.arrival.end(from: message.position, of: message.bytes.count)
    let bytes = message.bytes.span
    body(bytes.extracting(message.position..<end), message.arrival)
    messages[0].position = end
    if end == message.bytes.count { messages.removeFirst() }
    return true
  }
}

extension KernelSocket.Arrival {
  /// Where the datagram that begins at `start` ends, of a message of `count` bytes.
  fileprivate func end(from start: Int, of count: Int) -> Int {
    segmentSize == 0 ? count : min(start + segmentSize, count)
  }
}

extension KernelDatagrams {
  func tryReceiveCoalesced(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<DatagramHeader> {
    let room = bytes.count
    // Under the lock, so that nobody finds the kernel's queue empty while the rest of what was in
    // it is put down here.
    return try coalescing.carry.withLock { carry throws(SocketError.Reason) in
      if let header = try popFirst(&carry, into: &bytes) { return .done(header) }
      return try Coalescing.withSpill { spill throws(SocketError.Reason) in
        try tryReading { socket throws(Errno) in
          guard let arrival = try socket.receive(into: &bytes, spill: spill) else { return nil }
          guard arrival.segmentSize > 0 else {
            return (header(arrival, length: arrival.length, room: room), true)
          }
          var message = Carry.Message(bytes: [], arrival: arrival)
          message.bytes.append(bytes.span, count: min(room, arrival.length))
          spill.withBytes(at: 0, count: arrival.length - room) {
            message.bytes.append($0, count: $0.count)
          }
          message.position = arrival.segmentSize
          carry.messages.append(message)
          carry.isWide = true
          return (header(arrival, length: arrival.segmentSize, room: room), true)
        }
      }
    }
  }

  private func popFirst(
    _ carry: inout Carry, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> DatagramHeader? {
    guard !carry.messages.isEmpty else { return nil }
    try use { _ throws(Errno) in }
    var header: DatagramHeader?
    let room = bytes.count
    _ = carry.popFirst { datagram, arrival in
      datagram.copy(into: &bytes)
      header = self.header(arrival, length: datagram.count, room: room)
    }
    return header
  }

  func tryReceiveCoalesced(
    into batch: inout DatagramBatch
  ) throws(SocketError.Reason) -> Attempt<Int> {
    try coalescing.carry.withLock { carry throws(SocketError.Reason) in
      if !carry.isAsked {
        carry.isAsked = true
        try use { socket throws(Errno) in try? socket.set(.coalesce, to: 1) }
      }
      if !carry.messages.isEmpty {
        try use { _ throws(Errno) in }
        return .done(take(&carry, into: &batch))
      }
      return try Coalescing.withSpill { spill throws(SocketError.Reason) in
        carry.isWide
          ? try receiveWide(into: &batch, spill, &carry)
          : try receiveNarrow(into: &batch, spill, &carry)
      }
    }
  }

  /// Moves datagrams from the carry to the batch, as many as it holds.
  private func take(_ carry: inout Carry, into batch: inout DatagramBatch) -> Int {
    while batch.count < batch.capacity {
      let found = carry.popFirst { add($0, $1, to: &batch) }
      if !found { break }
    }
    return batch.count
  }

  private func add(
    _ datagram: Span<UInt8>, _ arrival: KernelSocket.Arrival, to batch: inout DatagramBatch
  ) {
    batch.write(datagram)
    batch.add(header(arrival, length: datagram.count, room: batch.maximumSize))
  }

  /// Receives to the batch's own memory, in the hope that nothing is put together.
  private func receiveNarrow(
    into batch: inout DatagramBatch, _ spill: KernelSocket.Spill, _ carry: inout Carry
  ) throws(SocketError.Reason) -> Attempt<Int> {
    let stride = batch.maximumSize
    var arrivals: [KernelSocket.Arrival] = []
    let attempt = try batch.fill { bytes, add throws(SocketError.Reason) in
      try tryReading { socket throws(Errno) in
        let count = try socket.receive(into: &bytes, stride: stride, spill: spill) { _, arrival in
          if arrivals.isEmpty, arrival.segmentSize == 0 {
            add(header(arrival, length: arrival.length, room: stride))
          } else {
            // What follows is moved: it has no place of its own in the batch any more.
            arrivals.append(arrival)
          }
        }
        return count.map { (value: $0, mayHaveMore: true) }
      }
    }
    guard case .done = attempt, !arrivals.isEmpty else { return attempt }
    let first = batch.count
    for (index, arrival) in arrivals.enumerated() {
      let start = (first + index) * stride
      let own = min(arrival.length, stride)
      var message = Carry.Message(bytes: [], arrival: arrival)
      message.bytes.append(batch.storage.span.extracting(start..<start + own), count: own)
      spill.withBytes(at: first + index, count: arrival.length - own) {
        message.bytes.append($0, count: $0.count)
      }
      carry.messages.append(message)
      note(arrival, &carry)
    }
    return .done(take(&carry, into: &batch))
  }

  /// Receives messages of many datagrams, and copies each datagram to its place.
  private func receiveWide(
    into batch: inout DatagramBatch, _ spill: KernelSocket.Spill, _ carry: inout Carry
  ) throws(SocketError.Reason) -> Attempt<Int> {
    var arrivals: [KernelSocket.Arrival] = []
    let limit = max(batch.capacity / max(carry.segments, 1), 1)
    let attempt: Attempt<Int> = try tryReading { socket throws(Errno) in
      var nothing = MutableSpan<UInt8>()
      let count = try socket.receive(into: &nothing, stride: 0, limit: limit, spill: spill) {
        arrivals.append($1)
      }
      return count.map { (value: $0, mayHaveMore: true) }
    }
    guard case .done = attempt else { return attempt }
    carry.isWide = false
    for (index, arrival) in arrivals.enumerated() {
      note(arrival, &carry)
      spill.withBytes(at: index, count: arrival.length) { bytes in
        var position = 0
        repeat {
          guard batch.count < batch.capacity else {
            var message = Carry.Message(bytes: [], position: position, arrival: arrival)
            message.bytes.append(bytes, count: bytes.count)
            carry.messages.append(message)
            return
          }
          let end = arrival.end(from: position, of: bytes.count)
          add(bytes.extracting(position..<end), arrival, to: &batch)
          position = end
        } while position < bytes.count
      }
    }
    return .done(batch.count)
  }

  private func note(_ arrival: KernelSocket.Arrival, _ carry: inout Carry) {
    guard arrival.segmentSize > 0 else { return }
    carry.isWide = true
    carry.segments = (arrival.length + arrival.segmentSize - 1) / arrival.segmentSize
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ bytes: Span<UInt8>, count wanted: Int) {
    let start = count
    let added = Swift.min(Swift.max(wanted, 0), bytes.count)
    append(contentsOf: repeatElement(0, count: added))
    var all = mutableSpan
    bytes.extracting(first: added).copy(into: &all, at: start)
  }
}
