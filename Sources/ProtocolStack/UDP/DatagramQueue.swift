import Addresses
import Packets

/// What is kept of a datagram beside its bytes.
struct DatagramRecord: BitwiseCopyable {
  var sourceHigh: UInt64
  var sourceLow: UInt64
  var destinationHigh: UInt64
  var destinationLow: UInt64
  var sourcePort: UInt16
  var destinationPort: UInt16
  var interface: UInt8
  var trafficClass: UInt8
  var hopLimit: UInt8
  /// What kind of message this is, to the owner of the queue.
  var kind: UInt8
  /// More about it.
  var detail: UInt32
  var length: Int

  var source: IPAddress {
    IPAddress(unmapping: IPv6Address(high: sourceHigh, low: sourceLow))
  }
  var destination: IPAddress {
    IPAddress(unmapping: IPv6Address(high: destinationHigh, low: destinationLow))
  }

  init(
    source: IPAddress, destination: IPAddress, sourcePort: UInt16, destinationPort: UInt16,
    interface: UInt8, trafficClass: UInt8, hopLimit: UInt8, kind: UInt8 = 0, detail: UInt32 = 0
  ) {
    let (source, destination) = (source.mapped, destination.mapped)
    sourceHigh = source.high
    sourceLow = source.low
    destinationHigh = destination.high
    destinationLow = destination.low
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    self.interface = interface
    self.trafficClass = trafficClass
    self.hopLimit = hopLimit
    self.kind = kind
    self.detail = detail
    length = 0
  }
}

/// Datagrams that wait to be read, their bytes in one ring that grows as they come and is given
/// back when all are read.
///
/// Every datagram counts with its bytes and an overhead against ``limit``, empty ones too (UDP-4);
/// the one that does not fit is dropped, so that what was taken in stays (UDP-6).
struct DatagramQueue: ~Copyable {
  private var records = Ring<DatagramRecord>()
  private var storage = Packet(capacity: 0, headroom: 0)
  private var head = 0
  private var length = 0
  /// Bytes and overheads at most.
  var limit: Int

  init(limit: Int) { self.limit = limit }

  var count: Int { records.count }
  var isEmpty: Bool { records.isEmpty }
  /// Bytes and overheads of all that wait.
  var charge: Int { length &+ records.count &* UDPSocketOptions.datagramOverhead }

  /// Adds a datagram.
  ///
  /// - Returns: false where there is no room for it.
  mutating func append(_ record: DatagramRecord, _ bytes: Span<UInt8>) -> Bool {
    let cost = bytes.count &+ UDPSocketOptions.datagramOverhead
    guard cost <= limit &- charge else { return false }
    reserve(length &+ bytes.count)
    write(bytes)
    var record = record
    record.length = bytes.count
    records.append(record)
    return true
  }

  /// Takes the oldest datagram out and copies as much of it as there is room for.
  mutating func popFirst(
    into target: inout MutableSpan<UInt8>
  ) -> (record: DatagramRecord, copied: Int)? {
    guard let record = records.popFirst() else { return nil }
    let copied = read(min(record.length, target.count), into: &target)
    head = wrapped(head &+ record.length)
    length &-= record.length
    if records.isEmpty {
      storage = Packet(capacity: 0, headroom: 0)
      head = 0
    }
    return (record, copied)
  }

  /// The oldest datagram's facts.
  var first: DatagramRecord? { records.first }

  /// Copies as much of the oldest datagram as there is room for, and leaves it there.
  func copyFirst(
    into target: inout MutableSpan<UInt8>
  ) -> (record: DatagramRecord, copied: Int)? {
    guard let record = records.first else { return nil }
    return (record, read(min(record.length, target.count), into: &target))
  }

  private func wrapped(_ place: Int) -> Int {
    let capacity = storage.count
    return place >= capacity ? place &- capacity : place
  }

  private mutating func reserve(_ wanted: Int) {
    let capacity = storage.count
    guard wanted > capacity else { return }
    var larger = max(capacity, 2_048)
    while larger < wanted { larger &*= 2 }
    var fresh = Packet(capacity: larger, headroom: 0)
    _ = fresh.extend(larger)
    var target = fresh.mutableBytes
    let copied = read(length, into: &target)
    length = copied
    storage = consume fresh
    head = 0
  }

  private mutating func write(_ bytes: Span<UInt8>) {
    let tail = wrapped(head &+ length)
    length &+= bytes.count
    var target = storage.mutableBytes
    let atEnd = min(bytes.count, target.count &- tail)
    bytes.slice(from: 0, length: atEnd).copy(into: &target, at: tail)
    bytes.slice(from: atEnd).copy(into: &target, at: 0)
  }

  private func read(_ wanted: Int, into target: inout MutableSpan<UInt8>) -> Int {
    let bytes = storage.bytes
    let atEnd = bytes.slice(from: head, length: wanted)
    let copied = atEnd.copy(into: &target, at: 0)
    let rest = bytes.slice(from: 0, length: wanted &- copied)
    return copied &+ rest.copy(into: &target, at: copied)
  }
}
