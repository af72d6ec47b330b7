public import Addresses
import Host

/// Names and addresses as written down in a file like `/etc/hosts` (hosts(5)).
public struct HostsTable: Hashable, Sendable {
  private var addresses: [String: [SocketAddress]] = [:]
  private var names: [SocketAddress: [String]] = [:]

  /// - Parameters:
  ///   - text: lines of an address, names, and a comment behind `#`. What is no such line is passed
  ///     over.
  ///   - zones: the interface index of a zone given by name.
  public init(text: String, zones: (String) -> UInt32? = { _ in nil }) {
    for line in text.split(whereSeparator: \.isNewline) {
      let fields = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard let first = fields.first,
        let address = try? SocketAddress(parsingAddress: first, zones: zones)
      else { continue }
      for name in fields.dropFirst() {
        addresses[Self.key(name), default: []].append(address)
        names[address, default: []].append(String(name))
      }
    }
  }

  /// This machine's: `/etc/hosts`, none where there is no such file.
  public static var system: HostsTable {
    HostsTable(text: SystemText.read("/etc/hosts"), zones: SystemText.zone)
  }

  /// The addresses of a name, in the order of the file. Letters' case and a last dot do not matter.
  public func addresses(of name: some StringProtocol) -> [SocketAddress] {
    addresses[Self.key(name)] ?? []
  }

  /// The names of an address, in the order of the file.
  public func names(of address: IPAddress) -> [String] {
    names[SocketAddress(address, port: .any)] ?? []
  }

  private static func key(_ name: some StringProtocol) -> String {
    let key = name.lowercased()
    return key.hasSuffix(".") ? String(key.dropLast()) : key
  }
}

/// The small files that say how a machine is set up.
enum SystemText {
  /// More than any of them needs, and no more is read.
  private static let limit = 1 << 20

  /// The text of a file; empty where it cannot be read.
  static func read(_ path: String) -> String {
    guard let file = try? HostFile(reading: path) else { return "" }
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16_384)
    while text.count < limit {
      var span = part.mutableSpan
      guard let count = try? file.read(into: &span, at: Int64(text.count)), count > 0 else { break }
      text.append(contentsOf: part[..<count])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The index of this machine's interface of that name.
  static func zone(_ name: String) -> UInt32? { try? HostInterface(named: name).index }
}
