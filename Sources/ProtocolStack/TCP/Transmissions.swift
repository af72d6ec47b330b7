import Packets

/// What one packet carried, or a piece of it, that is not acknowledged yet.
struct Transmission: BitwiseCopyable {
  /// What has become of it, as far as is known.
  enum Fate: UInt8 {
    case onItsWay
    /// The peer has it (RFC 2018).
    case arrived
    /// To be sent again.
    case lost
    /// It was lost and is on its way again.
    case resent
  }

  var start: SequenceNumber
  var end: SequenceNumber
  /// The last time it was handed to the link.
  var sentAt: Instant
  /// Payload octets that one wire segment of it carries: only whole ones arrive.
  var segmentSize: UInt16
  var fate = Fate.onItsWay
  /// It was sent more than once, so nothing tells which one an acknowledgment means (Karn).
  var wasRepeated = false
  /// Its last octet ends what a user wanted to be handed on at once.
  var isPushed = false

  @inline(__always)
  var count: Int { start.distance(to: end) }

  /// Whether anything of it may still be on its way.
  @inline(__always)
  var isInFlight: Bool { fate == .onItsWay || fate == .resent }
}

/// All that was sent and is not acknowledged: runs without gaps from SND.UNA to SND.NXT, each with
/// the time it left and its fate. The base of RACK (RFC 8985 §5.1), of SACK (RFC 2018 §5), and of
/// what is counted as being on its way.
///
/// One run a packet. Appending one and dropping what was acknowledged take constant time, finding
/// one logarithmic, and cutting one in two linear time in the runs to its nearer end. At most
/// ``limit`` runs, so that no pattern of acknowledgments makes more work (TCP-28).
struct Transmissions: ~Copyable {
  /// Beyond so many, what leaves at one time is one run.
  private static var mergingBegins: Int { 64 }
  /// A window of 64 KiB packets fits many times, one of small packets in part.
  static var limit: Int { 2048 }
  /// So many places are kept while nothing is on its way.
  private static var keptPlaces: Int { 64 }

  private var runs = MaskedStorage<Transmission>()
  private var head = 0
  private(set) var count = 0
  /// Octets in the runs of each fate.
  private(set) var arrived = 0
  private(set) var lost = 0
  private(set) var resent = 0
  /// Nothing below is lost.
  private var lowestLost = SequenceNumber(rawValue: 0)

  @inline(__always)
  var isEmpty: Bool { count == 0 }

  /// Whether everything is simply on its way.
  @inline(__always)
  var isPlain: Bool { arrived | lost | resent == 0 }

  /// What the peer leaves open makes many runs: nothing new is to be sent before it closes some.
  @inline(__always)
  var isCrowded: Bool { count >= Self.limit &* 2 }
  private var isFull: Bool { count >= Self.limit }

  /// The run at `index`, the oldest first; `index` must be below ``count``.
  @inline(__always)
  subscript(index: Int) -> Transmission { runs[head &+ index] }

  // MARK: - Sending

  /// Adds what was sent for the first time.
  @inline(__always)
  mutating func append(_ run: Transmission) {
    if count >= Self.mergingBegins, merges(run) { return }
    if count == runs.capacity {
      runs.grow(rotatingFrom: head, filling: run)
      head = 0
    }
    runs[head &+ count] = run
    count &+= 1
  }

  /// Where there are many runs, what left together, or too much for the limit, shares one.
  private mutating func merges(_ run: Transmission) -> Bool {
    var last = runs[head &+ count &- 1]
    let isAlike =
      last.segmentSize == run.segmentSize && last.count % max(Int(last.segmentSize), 1) == 0
    guard last.fate == .onItsWay, isAlike && last.sentAt == run.sentAt || isFull else {
      return false
    }
    if !isAlike { last.segmentSize = 1 }
    last.end = run.end
    last.sentAt = run.sentAt
    last.isPushed = run.isPushed
    runs[head &+ count &- 1] = last
    return true
  }

  /// What lies between `start` and `end` was sent again; of what was lost, it is on its way now.
  mutating func repeated(
    from start: SequenceNumber, to end: SequenceNumber, segmentSize: UInt16, at now: Instant
  ) {
    var index = self.index(endingAfter: start)
    if index < count, self[index].start.precedes(start), cut(index, at: start) { index &+= 1 }
    while index < count, self[index].start.precedes(end) {
      if end.precedes(self[index].end) { _ = cut(index, at: end) }
      var run = self[index]
      run.sentAt = now
      run.wasRepeated = true
      run.segmentSize = segmentSize
      if run.fate == .lost {
        lost &-= run.count
        resent &+= run.count
        run.fate = .resent
      }
      runs[head &+ index] = run
      index &+= 1
    }
  }

  /// The first run that is to be sent again.
  mutating func firstLost() -> Int? {
    guard lost > 0 else { return nil }
    var index = self.index(endingAfter: lowestLost)
    while index < count {
      if self[index].fate == .lost {
        lowestLost = self[index].start
        return index
      }
      index &+= 1
    }
    return nil
  }

  // MARK: - What becomes of it

  /// The oldest run, if all of it lies before `point`; it is taken out.
  @inline(__always)
  mutating func popFirst(before point: SequenceNumber) -> Transmission? {
    guard count > 0 else { return nil }
    let run = runs[head]
    guard run.end.precedesOrEquals(point) else { return nil }
    if run.fate != .onItsWay { forget(run.fate, run.count) }
    head &+= 1
    count &-= 1
    if count == 0, runs.capacity > Self.keptPlaces { removeAll() }
    return run
  }

  /// Takes what lies before `point` off the oldest run.
  ///
  /// - Returns: what was taken off.
  mutating func trimFirst(before point: SequenceNumber) -> Transmission? {
    guard count > 0, self[0].start.precedes(point) else { return nil }
    var piece = self[0]
    piece.end = point
    piece.isPushed = false
    if piece.fate != .onItsWay { forget(piece.fate, piece.count) }
    runs[head].start = point
    return piece
  }

  private mutating func forget(_ fate: Transmission.Fate, _ octets: Int) {
    switch fate {
    case .onItsWay: break
    case .arrived: arrived &-= octets
    case .lost: lost &-= octets
    case .resent: resent &-= octets
    }
  }

  /// Marks what a block of a selective acknowledgment covers of the run at `index`, in whole wire
  /// segments.
  ///
  /// - Returns: what has arrived by that, and was not known to; and the index to go on with.
  mutating func arrives(
    _ index: Int, from left: SequenceNumber, to right: SequenceNumber
  ) -> (piece: Transmission?, next: Int) {
    let run = self[index]
    guard run.fate != .arrived else { return (nil, index &+ 1) }
    let size = max(Int(run.segmentSize), 1)
    var start = run.start
    if start.precedes(left) {
      let offset = start.distance(to: left) &+ size &- 1
      start = start.advanced(by: offset &- offset % size)
    }
    var end = run.end
    if right.precedes(end) {
      let offset = run.start.distance(to: right)
      end = run.start.advanced(by: offset &- offset % size)
    }
    guard start.precedes(end) else { return (nil, index &+ 1) }
    var place = index
    if run.start.precedes(start) {
      guard cut(place, at: start) else { return (nil, index &+ 1) }
      place &+= 1
    }
    if end.precedes(run.end) {
      guard cut(place, at: end) else { return (nil, place &+ 1) }
    }
    let piece = self[place]
    forget(piece.fate, piece.count)
    arrived &+= piece.count
    runs[head &+ place].fate = .arrived
    return (piece, joinArrived(place) &+ 1)
  }

  /// What has arrived side by side is one run: when it left no longer matters.
  ///
  /// - Returns: the index of the run that `index` is part of now.
  private mutating func joinArrived(_ index: Int) -> Int {
    var place = index
    if place &+ 1 < count, self[place &+ 1].fate == .arrived {
      runs[head &+ place].end = self[place &+ 1].end
      remove(place &+ 1)
    }
    if place > 0, self[place &- 1].fate == .arrived {
      place &-= 1
      runs[head &+ place].end = self[place &+ 1].end
      remove(place &+ 1)
    }
    return place
  }

  /// The run at `index` is to be sent again.
  mutating func loses(_ index: Int) {
    let run = self[index]
    guard run.isInFlight else { return }
    forget(run.fate, run.count)
    if lost == 0 || run.start.precedes(lowestLost) { lowestLost = run.start }
    lost &+= run.count
    runs[head &+ index].fate = .lost
  }

  /// At most `octets` at the front are to be sent again, in a run of their own.
  mutating func losesFirst(_ octets: Int) {
    guard count > 0, octets > 0 else { return }
    if self[0].count > octets { _ = cut(0, at: self[0].start.advanced(by: octets)) }
    loses(0)
  }

  /// Everything that has not arrived is to be sent again.
  mutating func losesAll() {
    var index = 0
    while index < count {
      loses(index)
      index &+= 1
    }
  }

  /// Nothing was lost, only late.
  mutating func finds() {
    var index = 0
    while index < count, lost > 0 {
      let run = self[index]
      if run.fate == .lost {
        lost &-= run.count
        runs[head &+ index].fate = .onItsWay
      }
      index &+= 1
    }
  }

  /// RFC 2018 §8: the peer may have dropped what it has said to have.
  mutating func forgetArrivals() {
    var index = 0
    while index < count, arrived > 0 {
      let run = self[index]
      if run.fate == .arrived {
        arrived &-= run.count
        runs[head &+ index].fate = .onItsWay
        runs[head &+ index].wasRepeated = true
      }
      index &+= 1
    }
  }

  mutating func removeAll() {
    runs.removeAll()
    head = 0
    count = 0
    arrived = 0
    lost = 0
    resent = 0
  }

  // MARK: - Places

  /// The number of runs that end before or at `point`.
  func index(endingAfter point: SequenceNumber) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low &+ high) &>> 1
      if self[middle].end.precedesOrEquals(point) { low = middle &+ 1 } else { high = middle }
    }
    return low
  }

  /// Cuts a run in two. Where there is no room for one more, nothing happens.
  private mutating func cut(_ index: Int, at point: SequenceNumber) -> Bool {
    guard !isCrowded, self[index].start.precedes(point),
      point.precedes(self[index].end)
    else { return false }
    var first = self[index]
    if count == runs.capacity {
      runs.grow(rotatingFrom: head, filling: first)
      head = 0
    }
    if index < count &>> 1 {
      head &-= 1
      var place = 0
      while place < index {
        runs[head &+ place] = runs[head &+ place &+ 1]
        place &+= 1
      }
    } else {
      var place = count
      while place > index {
        runs[head &+ place] = runs[head &+ place &- 1]
        place &-= 1
      }
    }
    count &+= 1
    runs[head &+ index &+ 1].start = point
    first.end = point
    first.isPushed = false
    runs[head &+ index] = first
    return true
  }

  private mutating func remove(_ index: Int) {
    if index < count &>> 1 {
      var place = index
      while place > 0 {
        runs[head &+ place] = runs[head &+ place &- 1]
        place &-= 1
      }
      head &+= 1
    } else {
      var place = index
      while place &+ 1 < count {
        runs[head &+ place] = runs[head &+ place &+ 1]
        place &+= 1
      }
    }
    count &-= 1
  }
}
