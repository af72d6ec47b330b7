import Packets

/// What was learnt of names, for as long as it may be believed, within a bound.
struct ResolverCache {
  /// What a name server says to a question.
  enum Finding: Hashable, Sendable {
    case records([ResourceRecord])
    /// There is no such name.
    case noName
    /// The name has nothing of that type.
    case noData
  }

  private struct Entry {
    let finding: Finding
    let learnt: Instant
    let expiry: Instant
  }

  private var entries: [DNSMessage.Question: Entry] = [:]
  let capacity: Int

  /// Longer than that nothing is believed, whatever its owner says.
  static let longest: UInt32 = 86_400

  init(capacity: Int) { self.capacity = max(0, capacity) }

  var count: Int { entries.count }

  /// The answer, its records' lifetimes less the time that has passed.
  mutating func finding(_ question: DNSMessage.Question, at now: Instant) -> Finding? {
    guard let entry = entries[question] else { return nil }
    guard now < entry.expiry else {
      entries[question] = nil
      return nil
    }
    guard case .records(let records) = entry.finding else { return entry.finding }
    let age = UInt32(clamping: now.since(entry.learnt).nanoseconds / 1_000_000_000)
    return .records(
      records.map { record in
        var record = record
        record.timeToLive -= min(age, record.timeToLive)
        return record
      })
  }

  /// Keeps an answer for `seconds`; not at all for zero. Where there is no room, what expires first
  /// makes some: linear then, in an eighth of the cases at most.
  mutating func keep(
    _ finding: Finding, for question: DNSMessage.Question, seconds: UInt32, at now: Instant
  ) {
    guard seconds > 0, capacity > 0 else { return }
    if entries.count >= capacity, entries[question] == nil { makeRoom(now) }
    entries[question] = Entry(
      finding: finding, learnt: now, expiry: now + .seconds(Int64(min(seconds, Self.longest))))
  }

  private mutating func makeRoom(_ now: Instant) {
    entries = entries.filter { now < $0.value.expiry }
    guard entries.count >= capacity else { return }
    let byExpiry = entries.sorted { $0.value.expiry < $1.value.expiry }
    for (question, _) in byExpiry.prefix(max(1, capacity / 8)) { entries[question] = nil }
  }
}
