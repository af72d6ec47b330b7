import Packets

/// One direction of a wire: takes packets at one end and says when, and in what state, they come
/// out of the other.
///
/// ```
///   sent -> cut? size? -> queue -> (rate) -> loss -> duplication -> delay, jitter,
///                                                     reordering, corruption -> delivered
/// ```
///
/// A pipe holds no packets, only its own luck and the times of what it has promised.
struct Pipe {
  /// One packet's way through.
  struct Journey {
    var arrival: Instant
    /// The bit to flip, counted from the front of what may be corrupted.
    var flippedBit: Int?
  }

  /// What becomes of a packet: it vanishes, arrives, or arrives twice.
  struct Verdict {
    var first: Journey?
    var second: Journey?
  }

  var conditions: WireConditions
  private(set) var counters = WireCounters()
  private var random: RandomSource
  private var isInBurst = false
  /// When the last bit of what was accepted so far leaves.
  private var busyUntil = Instant.zero
  /// When each packet that waits, or is on its way out, has left.
  private var departures = InstantRing()
  /// Jitter overtakes nobody.
  private var lastArrival = Instant.zero

  init(_ conditions: WireConditions, random: RandomSource) {
    self.conditions = conditions
    self.random = random
  }

  /// Decides about a packet of so many bytes, `linkHeader` of which no corruption touches.
  mutating func send(_ size: Int, linkHeader: Int, at now: Instant) -> Verdict {
    counters.sent &+= 1
    counters.sentBytes &+= size
    if conditions.isCut {
      counters.partitioned &+= 1
      return Verdict()
    }
    if let limit = conditions.sizeLimit, size &- linkHeader > limit {
      counters.oversized &+= 1
      return Verdict()
    }
    guard let departure = depart(size, at: now) else {
      counters.queueDrops &+= 1
      return Verdict()
    }
    if isLostInBurst() {
      counters.burstLost &+= 1
      return Verdict()
    }
    if random.happens(conditions.loss) {
      counters.lost &+= 1
      return Verdict()
    }
    let first = journey(size &- linkHeader, from: departure)
    guard random.happens(conditions.duplication) else { return Verdict(first: first) }
    counters.duplicated &+= 1
    return Verdict(first: first, second: journey(size &- linkHeader, from: departure))
  }

  mutating func countDelivery(_ size: Int) {
    counters.delivered &+= 1
    counters.deliveredBytes &+= size
  }

  mutating func countCut(pieces: Int) {
    counters.cutSegments &+= 1
    counters.pieces &+= pieces
  }

  mutating func countUnaddressed() { counters.unaddressed &+= 1 }

  /// When the packet has left the near end; nothing where the queue before it is full.
  private mutating func depart(_ size: Int, at now: Instant) -> Instant? {
    guard let rate = conditions.rate else { return now }
    departures.removeAll(upTo: now)
    // The one that is being sent does not wait.
    guard departures.count <= max(0, conditions.queueLimit) else { return nil }
    busyUntil = max(busyUntil, now) + rate.time(for: size)
    departures.append(busyUntil)
    return busyUntil
  }

  private mutating func isLostInBurst() -> Bool {
    guard let burst = conditions.burst else { return false }
    if random.happens(isInBurst ? burst.exit : burst.entry) { isInBurst.toggle() }
    return isInBurst && random.happens(burst.lossWhileBad)
  }

  private mutating func journey(_ corruptible: Int, from departure: Instant) -> Journey {
    var arrival = departure + conditions.delay
    if conditions.jitter > .zero {
      let jitter = Int(clamping: conditions.jitter.nanoseconds)
      arrival = arrival + Interval(nanoseconds: Int64(random.next(in: 0...jitter)))
    }
    arrival = max(arrival, lastArrival)
    if random.happens(conditions.reordering) {
      // Held back without becoming the last arrival, so that others overtake it.
      counters.reordered &+= 1
      arrival = arrival + conditions.reorderingDelay
    } else {
      lastArrival = arrival
    }
    var journey = Journey(arrival: arrival)
    if corruptible > 0, random.happens(conditions.corruption) {
      counters.corrupted &+= 1
      journey.flippedBit = random.next(below: corruptible &* 8)
    }
    return journey
  }
}

/// Instants in rising order, added behind and removed in front.
private struct InstantRing {
  private var instants: [Instant] = []
  private var head = 0

  var count: Int { instants.count &- head }

  mutating func append(_ instant: Instant) { instants.append(instant) }

  mutating func removeAll(upTo now: Instant) {
    while head < instants.count, instants[head] <= now { head &+= 1 }
    // Moves what is left to the front once it is the smaller part: constant time on average.
    if head >= 64, head &* 2 >= instants.count {
      instants.removeSubrange(0..<head)
      head = 0
    }
  }
}
