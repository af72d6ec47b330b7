import Addresses

extension DNSMessage {
  /// The message as bytes, its names without compression. Of more than 65,535 bytes of a record, or
  /// 255 of a text, the rest is left out; there must not be more than 65,534 records of a kind.
  public func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(uint16: identifier)
    bytes.append(uint16: flags | responseCode.rawValue & 0xF)
    let extra = extensions == nil ? 0 : 1
    bytes.append(uint16: UInt16(clamping: questions.count))
    bytes.append(uint16: UInt16(clamping: answers.count))
    bytes.append(uint16: UInt16(clamping: authorities.count))
    bytes.append(uint16: UInt16(clamping: additionals.count &+ extra))
    for question in questions {
      bytes.append(contentsOf: question.name.wire)
      bytes.append(uint16: question.type.rawValue)
      bytes.append(uint16: question.questionClass)
    }
    for record in answers { record.append(to: &bytes) }
    for record in authorities { record.append(to: &bytes) }
    for record in additionals { record.append(to: &bytes) }
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
    let content = content.encoded
    let data = content.span.slice(from: 0, length: 0xFFFF)
    bytes.append(uint16: UInt16(truncatingIfNeeded: data.count))
    bytes.append(data)
  }
}

extension ResourceRecord.Content {
  fileprivate var encoded: [UInt8] {
    var bytes: [UInt8] = []
    switch self {
    case .address(.v4(let address)): bytes.append(uint32: address.rawValue)
    case .address(.v6(let address)):
      bytes.append(uint32: UInt32(truncatingIfNeeded: address.high &>> 32))
      bytes.append(uint32: UInt32(truncatingIfNeeded: address.high))
      bytes.append(uint32: UInt32(truncatingIfNeeded: address.low &>> 32))
      bytes.append(uint32: UInt32(truncatingIfNeeded: address.low))
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
        let part = text.span.slice(from: 0, length: 255)
        bytes.append(UInt8(truncatingIfNeeded: part.count))
        bytes.append(part)
      }
    case .authority(let authority):
      bytes = authority.primary.wire
      bytes.append(contentsOf: authority.mailbox.wire)
      bytes.append(uint32: authority.serial)
      bytes.append(uint32: authority.refresh)
      bytes.append(uint32: authority.retry)
      bytes.append(uint32: authority.expire)
      bytes.append(uint32: authority.minimum)
    case .other(let content): bytes = content
    }
    return bytes
  }
}

extension [UInt8] {
  fileprivate mutating func append(uint16 value: UInt16) {
    append(UInt8(truncatingIfNeeded: value &>> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  fileprivate mutating func append(uint32 value: UInt32) {
    append(uint16: UInt16(truncatingIfNeeded: value &>> 16))
    append(uint16: UInt16(truncatingIfNeeded: value))
  }
}
