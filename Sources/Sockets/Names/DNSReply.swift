import Packets

/// What a server's message means for the question.
enum DNSReply {
  /// An answer, and for how many seconds it may be believed.
  case found(ResolverCache.Finding, seconds: UInt32)
  /// The name is another word for this one, of which the message says nothing.
  case elsewhere(DomainName)

  /// Reads the answer section, and follows aliases within it. Linear in the number of records,
  /// times the aliases.
  init(_ message: DNSMessage, to question: DNSMessage.Question) {
    var name = question.name
    var seconds = UInt32.max
    // Each alias leads on once, so that a circle of them ends.
    for _ in 0...message.answers.count {
      let own = message.answers.filter { $0.recordClass == 1 && $0.name == name }
      let records = own.filter { $0.type == question.type }
      if !records.isEmpty {
        let least = records.reduce(seconds) { min($0, $1.timeToLive) }
        self = .found(.records(records), seconds: least)
        return
      }
      guard let alias = own.first(where: { $0.type == .cname }),
        case .name(let target) = alias.content
      else { break }
      seconds = min(seconds, alias.timeToLive)
      name = target
    }
    // RFC 2308 §5: an absence is believed for as long as the zone says; else it is not remembered.
    var absence: UInt32 = 0
    for record in message.authorities {
      guard case .authority(let authority) = record.content else { continue }
      absence = min(seconds, record.timeToLive, authority.minimum, 10_800)
    }
    if message.responseCode == .nameError {
      self = .found(.noName, seconds: absence)
    } else if name != question.name, absence == 0 {
      self = .elsewhere(name)
    } else {
      self = .found(.noData, seconds: absence)
    }
  }
}
