import ArgumentParser
import Packets
import Simulation

/// What the wire does to packets.
struct WireOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("How long the way takes.", valueName: "time"),
    transform: { try Interval(parsing: $0) })
  var delay = Interval.microseconds(100)

  @Option(
    help: ArgumentHelp(
      "How much longer it may take, evenly drawn; order is kept.", valueName: "time"),
    transform: { try Interval(parsing: $0) })
  var jitter = Interval.zero

  @Option(
    help: ArgumentHelp(
      "How fast bits leave: 100mbit, 1.5gbit; 'none' for no limit.", valueName: "rate"),
    transform: { $0 == "none" ? nil : try BitRate(parsing: $0) })
  var rate: BitRate? = BitRate(bitsPerSecond: 10_000_000_000)

  @Option(
    help: ArgumentHelp("Packets that may wait for a limited rate.", valueName: "count"))
  var queue = 1_000

  @Option(
    help: ArgumentHelp("Packets lost.", valueName: "percent"),
    transform: { try Probability(parsing: $0) })
  var loss = Probability.never

  @Option(
    help: ArgumentHelp("Packets held back, so that others overtake them.", valueName: "percent"),
    transform: { try Probability(parsing: $0) })
  var reorder = Probability.never

  @Option(
    help: ArgumentHelp("How long they are held back.", valueName: "time"),
    transform: { try Interval(parsing: $0) })
  var reorderDelay = Interval.milliseconds(1)

  @Option(
    help: ArgumentHelp("Packets that arrive twice.", valueName: "percent"),
    transform: { try Probability(parsing: $0) })
  var duplicate = Probability.never

  @Option(
    help: ArgumentHelp("Packets with one bit flipped.", valueName: "percent"),
    transform: { try Probability(parsing: $0) })
  var corrupt = Probability.never

  func validate() throws {
    guard queue >= 0 else { throw ValidationError("--queue takes 0 or more") }
  }

  var conditions: WireConditions {
    var conditions = WireConditions()
    conditions.delay = delay
    conditions.jitter = jitter
    conditions.rate = rate
    conditions.queueLimit = queue
    conditions.loss = loss
    conditions.reordering = reorder
    conditions.reorderingDelay = reorderDelay
    conditions.duplication = duplicate
    conditions.corruption = corrupt
    return conditions
  }

  /// What it does, in a few words.
  var summary: String {
    var parts: [String] = []
    if let rate {
      parts.append("\(Figures.bits(Double(rate.bitsPerSecond)))/s (queue \(queue))")
    } else {
      parts.append("no limit of speed")
    }
    parts.append("\(Figures.time(delay)) each way")
    if jitter > .zero { parts.append("\(Figures.time(jitter)) jitter") }
    for (share, name) in [
      (loss, "lost"), (duplicate, "doubled"), (reorder, "overtaken"), (corrupt, "corrupted"),
    ] where share > .never {
      parts.append("\(Figures.percent(share.fraction)) \(name)")
    }
    return parts.joined(separator: ", ")
  }
}
