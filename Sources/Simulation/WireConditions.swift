public import Packets

/// What one direction of a wire does to packets. The default is a perfect wire: no delay, any rate,
/// no fault.
///
/// Faults strike in the order of their declaration: what the size limit or a cut of the wire takes
/// never reaches the queue, what the queue drops is not lost a second time, a duplicate has its own
/// luck with reordering and corruption.
public struct WireConditions: Equatable, Sendable {
  /// The wire is cut: nothing gets through.
  public var isCut = false
  /// The largest IP packet that gets through, in bytes; larger ones vanish without a word, as in a
  /// path with a black hole. Not to be confused with the interfaces' own limit.
  public var sizeLimit: Int?
  /// How fast bits leave the sender's end.
  public var rate: BitRate?
  /// Packets that may wait for a limited ``rate``; the newest is dropped where there are more.
  public var queueLimit = 1_000
  /// Each packet is lost independently.
  public var loss = Probability.never
  /// Packets are lost in bursts.
  public var burst: BurstLoss?
  /// Each packet arrives twice.
  public var duplication = Probability.never
  /// The way takes at least this long, bits' time on the wire excluded.
  public var delay = Interval.zero
  /// The way takes up to so much longer, evenly distributed. Order is kept: jitter alone overtakes
  /// nobody.
  public var jitter = Interval.zero
  /// Each packet is held back by ``reorderingDelay``, so that later ones overtake it.
  public var reordering = Probability.never
  public var reorderingDelay = Interval.milliseconds(10)
  /// One bit of the packet is flipped, anywhere behind the link header (a link's own frame check
  /// would have caught the rest).
  public var corruption = Probability.never

  public init() {}

  /// The same wire with every fault gone; delay, jitter, rate and queue stay.
  public var withoutFaults: Self {
    var calm = Self()
    calm.rate = rate
    calm.queueLimit = queueLimit
    calm.delay = delay
    calm.jitter = jitter
    return calm
  }
}

/// Loss in bursts: a chain of two states, good and bad, that steps with each packet (Gilbert,
/// Elliott). Its long-run loss is `lossWhileBad * entry / (entry + exit)`.
public struct BurstLoss: Equatable, Sendable {
  /// From good to bad, per packet.
  public var entry: Probability
  /// From bad to good, per packet: the mean burst is its reciprocal.
  public var exit: Probability
  public var lossWhileBad: Probability

  public init(entry: Probability, exit: Probability, lossWhileBad: Probability = .always) {
    self.entry = entry
    self.exit = exit
    self.lossWhileBad = lossWhileBad
  }
}

/// What one direction of a wire did, one counter per named fault.
public struct WireCounters: Equatable, Sendable {
  /// Packets and bytes (link header included) the sender handed over.
  public var sent = 0
  public var sentBytes = 0
  /// Packets that reached the other end, duplicates included.
  public var delivered = 0
  public var deliveredBytes = 0
  /// Super-segments cut on the way, and the pieces they became.
  public var cutSegments = 0
  public var pieces = 0
  /// Gone because the wire was cut.
  public var partitioned = 0
  /// Gone because they were larger than ``WireConditions/sizeLimit``.
  public var oversized = 0
  /// Gone because the queue was full.
  public var queueDrops = 0
  public var lost = 0
  public var burstLost = 0
  public var duplicated = 0
  public var reordered = 0
  public var corrupted = 0
  /// Gone because nobody at the other end has that address.
  public var unaddressed = 0

  public init() {}

  /// Packets that entered the wire and never came out, by any fault.
  public var vanished: Int {
    partitioned + oversized + queueDrops + lost + burstLost + unaddressed
  }

  public static func + (a: Self, b: Self) -> Self {
    var sum = a
    sum.sent += b.sent
    sum.sentBytes += b.sentBytes
    sum.delivered += b.delivered
    sum.deliveredBytes += b.deliveredBytes
    sum.cutSegments += b.cutSegments
    sum.pieces += b.pieces
    sum.partitioned += b.partitioned
    sum.oversized += b.oversized
    sum.queueDrops += b.queueDrops
    sum.lost += b.lost
    sum.burstLost += b.burstLost
    sum.duplicated += b.duplicated
    sum.reordered += b.reordered
    sum.corrupted += b.corrupted
    sum.unaddressed += b.unaddressed
    return sum
  }
}
