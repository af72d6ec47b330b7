import Addresses

extension DNSMessage {
  /// The message as bytes, its names without compression. Of more than 65,535 records of a kind, or
  /// bytes of a record, the rest is left out.
  public func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(uint16: identifier)
    bytes.append(uint16: flags | responseCode.rawValue & 0xF)
    let extra = extensions == nil ? 0 : 1
    for count in [questions.count, answers.count, authorities.count, additionals.count &+ extra] {
      bytes.append(uint16: UInt16(clamping: count))
    }
    for question in questions.prefix(0xFFFF) {
      bytes.append(contentsOf: question.name.wire)
      bytes.append(uint16: question.type.rawValue)
      bytes.append(uint16: question.questionClass)
    }
    for record in answers.prefix(0xFFFF) { record.append(to: &bytes) }
    for record in authorities.prefix(0xFFFF) { record.append(to: &bytes) }
    for record in additionals.prefix(0xFFFF &- extra) { record.append(to: &bytes) }
    if let extensions {
      bytes.append(0)
      bytes.append(uint16: RecordType.opt.rawValue)
      bytes.append(uint16: extensions.payloadSize)
      bytes.append(UInt8(truncatingIfNeeded: responseCode.rawValue >> 4))
      bytes.append(extensions.version)
      bytes.append(uint16: extensions.flags)
      bytes.append(uint16: 0)
    }
    return bytes
  }
}

extension ResourceRecord {
  fileprivate func append(to bytes: inout [UInt8]) {
    bytes.append(contentsOf: name.wire)
    bytes.append(uint16: type.rawValue)
    bytes.append(uint16: recordClass)
    bytes.append(uint32: timeToLive)
    let data = content.encoded.prefix(0xFFFF)
    bytes.append(uint16: UInt16(truncatingIfNeeded: data.count))
    bytes.append(contentsOf: data)
  }
}

extension ResourceRecord.Content {
  fileprivate var encoded: [UInt8] {
    var bytes: [UInt8] = []
    switch self {
    case .address(.v4(let address)): bytes.append(uint32: address.rawValue)
    case .address(.v6(let address)):
      for index in 0..<16 { bytes.append(address.octet(index)) }
    case .name(let name): bytes = name.wire
    case .service(let priority, let weight, let port, let target):
      bytes.append(uint16: priority)
      bytes.append(uint16: weight)
      bytes.append(uint16: port.rawValue)
      bytes.append(contentsOf: target.wire)
    case .mailExchange(let preference, let host):
      bytes.append(uint16: preference)
      bytes.append(contentsOf: host.wire)
    case .text(let texts):
      for text in texts {
        let part = text.prefix(255)
        bytes.append(UInt8(truncatingIfNeeded: part.count))
        bytes.append(contentsOf: part)
      }
    case .authority(let authority):
      bytes = authority.primary.wire
      bytes.append(contentsOf: authority.mailbox.wire)
      for number in [
        authority.serial, authority.refresh, authority.retry, authority.expire, authority.minimum,
      ] {
        bytes.append(uint32: number)
      }
    case .other(let content): bytes = content
    }
    return bytes
  }
}

extension [UInt8] {
  fileprivate mutating func append(uint16 value: UInt16) {
    append(UInt8(truncatingIfNeeded: value >> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  fileprivate mutating func append(uint32 value: UInt32) {
    append(uint16: UInt16(truncatingIfNeeded: value >> 16))
    append(uint16: UInt16(truncatingIfNeeded: value))
  }
}
