import Addresses
import Packets

/// Which datagram a fragment belongs to (RFC 791 §3.2, RFC 8200 §4.5).
struct FragmentKey: Equatable {
  var source: IPv6Address
  var destination: IPv6Address
  var identification: UInt32
  /// Of IPv4 alone, where it is part of the key.
  var `protocol`: UInt8
  var interface: UInt8
}

/// One fragment, as the IP layer understood it.
struct Fragment {
  var key: FragmentKey
  /// Where the data belongs in the datagram's, in bytes.
  var offset: Int
  var moreFragments: Bool
  /// Where the data begins in the packet; what is before it are headers.
  var dataOffset: Int
  /// For IPv6, where the unfragmentable part ends, and the octet in it that names what follows.
  var headerLength: Int
  var nextHeaderOffset: Int
  var nextHeader: UInt8
  var congestionExperienced: Bool
  var isCapable: Bool

  var isIPv4: Bool { key.source.isIPv4Mapped }
}

/// A datagram of which fragments have arrived: the pieces in order, none touching another's bytes.
struct PartialDatagram: ~Copyable {
  struct Piece: ~Copyable {
    let start: Int
    let length: Int
    /// The whole packet for the first piece, which lends the datagram its header; of others the
    /// data alone.
    var packet: Packet
    let dataOffset: Int

    var end: Int { start &+ length }
    var charge: Int { packet.capacity &+ Reassembler.overhead }
  }

  let key: FragmentKey
  let deadline: Instant
  /// The order of arrival: the lowest is the oldest.
  let serial: UInt64
  var pieces = List(
    standIn: Piece(
      start: 0, length: 0, packet: Packet(capacity: 0, headroom: 0), dataOffset: 0))
  /// Bytes of data in all pieces.
  var length = 0
  /// Bytes of memory in all pieces.
  var charge = 0
  /// Bytes of data in the whole datagram, once its last piece is here.
  var end: Int?
  /// Something contradicted itself: whatever else arrives is dropped, until the time is over.
  var isDoomed = false
  /// Of the first piece.
  var headerLength = 0
  var nextHeaderOffset = 0
  var nextHeader: UInt8 = 0
  /// Congestion marks of any piece, and capability of all.
  var congestionExperienced = false
  var allCapable = true

  init(key: FragmentKey, deadline: Instant, serial: UInt64) {
    self.key = key
    self.deadline = deadline
    self.serial = serial
  }

  var hasFirst: Bool { pieces.count > 0 && pieces[0].start == 0 }
  /// Pieces do not overlap, so that as many bytes as the end says are all of them.
  var isComplete: Bool { hasFirst && end == length }

  /// Where a piece that begins at `start` belongs. Logarithmic.
  func place(of start: Int) -> Int {
    var low = 0
    var high = pieces.count
    while low < high {
      let middle = (low &+ high) &>> 1
      if pieces[middle].start < start { low = middle &+ 1 } else { high = middle }
    }
    return low
  }

  enum Fit {
    case new(place: Int)
    case duplicate, conflict
  }

  /// How a piece goes with those that are there.
  func fit(start: Int, length: Int, moreFragments: Bool) -> Fit {
    let stop = start &+ length
    let place = place(of: start)
    if place < pieces.count, pieces[place].start == start, pieces[place].length == length {
      return (end == stop) == !moreFragments ? .duplicate : .conflict
    }
    // FRAG-9: two ends, or bytes beyond the end.
    if moreFragments {
      if let end, stop >= end { return .conflict }
    } else {
      if let end, end != stop { return .conflict }
      if pieces.count > 0, pieces[pieces.count &- 1].end > stop { return .conflict }
    }
    // RFC 8200 §4.5, RFC 5722 §4 MUST: any overlap, and everything is discarded. The same for IPv4.
    if place > 0, pieces[place &- 1].end > start { return .conflict }
    if place < pieces.count, pieces[place].start < stop { return .conflict }
    return .new(place: place)
  }

  /// Gives all memory back.
  mutating func clear() {
    pieces.removeAll()
    charge = 0
    length = 0
  }
}
