import Addresses
package import Packets

/// Records as people write them in zones and ask for them.
package enum RecordText {
  /// The types that can be asked for, by name.
  package static let types: [(name: String, type: RecordType)] = [
    ("a", .a), ("aaaa", .aaaa), ("cname", .cname), ("mx", .mx), ("ns", .ns), ("ptr", .ptr),
    ("soa", .soa), ("srv", .srv), ("txt", .txt),
  ]

  /// - Returns: nil where there is no type of that name.
  package static func type(named name: String) -> RecordType? {
    types.first { $0.name == name.lowercased() }?.type
  }

  /// `www.example.org 60 A 192.0.2.1`.
  package static func line(_ record: ResourceRecord) -> String {
    let name = types.first { $0.type == record.type }?.name.uppercased()
    let type = name ?? "TYPE\(record.type.rawValue)"
    return "\(record.name) \(record.timeToLive) \(type) \(content(record.content))"
  }

  private static func content(_ content: ResourceRecord.Content) -> String {
    switch content {
    case .address(let address): "\(address)"
    case .name(let name): "\(name)"
    case .service(let priority, let weight, let port, let target):
      "\(priority) \(weight) \(port) \(target)"
    case .mailExchange(let preference, let host): "\(preference) \(host)"
    case .text(let texts): texts.map(quoted).joined(separator: " ")
    case .authority(let authority):
      "\(authority.primary) \(authority.mailbox) \(authority.serial) \(authority.refresh) "
        + "\(authority.retry) \(authority.expire) \(authority.minimum)"
    case .other(let bytes):
      "\\# \(bytes.count) "
        + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }

  /// What could steer a terminal stands as its number.
  private static func quoted(_ text: [UInt8]) -> String {
    let characters = text.map { byte -> String in
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(byte))
      case 0x20..<0x7F: String(UnicodeScalar(byte))
      default: "\\" + String(repeating: "0", count: byte < 10 ? 2 : byte < 100 ? 1 : 0) + "\(byte)"
      }
    }
    return "\"" + characters.joined() + "\""
  }
}
