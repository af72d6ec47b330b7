package import Addresses

/// One socket of this machine's kernel, as a line of `/proc/net/tcp` and its like tells.
package struct KernelSocketRow: Hashable, Sendable {
  /// What the file is about.
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case tcp, tcp6, udp, udp6

    package var isStream: Bool { self == .tcp || self == .tcp6 }
    package var path: String { "/proc/net/\(rawValue)" }
  }

  package let kind: Kind
  package let local: SocketAddress
  package let remote: SocketAddress
  package let state: String
  /// Bytes not yet acknowledged, and for a listener the most connections that may wait.
  package let sendQueue: Int
  /// Bytes not yet read, and for a listener the connections that wait.
  package let receiveQueue: Int
  /// The owner's number.
  package let user: Int
  package let inode: UInt64

  package var isListening: Bool { state == "LISTEN" || state == "UNCONN" }

  /// Reads a line.
  ///
  /// - Returns: nil for the header and whatever else is no such line.
  package init?(_ line: Substring, _ kind: Kind) {
    let fields = line.split(separator: " ")
    guard fields.count >= 10, fields[0].hasSuffix(":"),
      let local = Self.address(fields[1]), let remote = Self.address(fields[2]),
      let number = Int(fields[3], radix: 16), let user = Int(fields[7]),
      let inode = UInt64(fields[9])
    else { return nil }
    let queues = fields[4].split(separator: ":").map { Int($0, radix: 16) }
    guard queues.count == 2, let sent = queues[0], let received = queues[1] else { return nil }
    self.kind = kind
    self.local = local
    self.remote = remote
    state = Self.name(ofState: number, kind)
    sendQueue = sent
    receiveQueue = received
    self.user = user
    self.inode = inode
  }

  /// All lines of a file.
  package static func rows(_ text: String, _ kind: Kind) -> [KernelSocketRow] {
    text.split(separator: "\n").compactMap { KernelSocketRow($0, kind) }
  }

  /// Words in this machine's byte order, of octets that stand in the network's; a port as a number.
  private static func address(_ text: Substring) -> SocketAddress? {
    let parts = text.split(separator: ":")
    guard parts.count == 2, let port = UInt16(parts[1], radix: 16) else { return nil }
    var words: [UInt32] = []
    var rest = parts[0]
    while !rest.isEmpty {
      guard rest.count >= 8, let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
      words.append(UInt32(bigEndian: word))
      rest = rest.dropFirst(8)
    }
    let address: IPAddress
    switch words.count {
    case 1: address = .v4(IPv4Address(rawValue: words[0]))
    case 4:
      address = .v6(
        IPv6Address(
          high: UInt64(words[0]) << 32 | UInt64(words[1]),
          low: UInt64(words[2]) << 32 | UInt64(words[3])))
    default: return nil
    }
    return SocketAddress(address, port: PortNumber(rawValue: port))
  }

  /// As `ss` calls them.
  private static func name(ofState number: Int, _ kind: Kind) -> String {
    guard kind.isStream else { return number == 1 ? "ESTAB" : "UNCONN" }
    let names = [
      "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED",
      "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV",
    ]
    return names.indices.contains(number - 1) ? names[number - 1] : "\(number)"
  }
}
