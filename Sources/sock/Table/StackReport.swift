import Foundation

/// What a process with a stack of ours tells of it to whoever asks for the table. Whoever reads one
/// has it from another program: nothing in it is believed to be short or printable.
package struct StackReport: Hashable, Sendable, Codable {
  /// The devices, as `--network` names them: `tun:sock0`.
  package var devices: [String]
  package var process: Int
  package var user: Int
  package var rows: [TableRow]

  package init(devices: [String], process: Int, user: Int, rows: [TableRow]) {
    self.devices = devices
    self.process = process
    self.user = user
    self.rows = rows
  }

  /// The most bytes that are read of one: some 200,000 sockets.
  package static let longest = 64 << 20

  package func encoded() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) }

  /// - Throws: what the decoder throws for what is no report, and a ``Complaint`` for one that
  ///   means to confuse.
  package init(decoding bytes: [UInt8]) throws {
    self = try JSONDecoder().decode(StackReport.self, from: Data(bytes))
    let texts =
      devices
      + rows.flatMap { [$0.netid, $0.state, $0.local, $0.peer ?? "", $0.stack] }
    guard texts.allSatisfy(Self.isPlain) else {
      throw Complaint("the report of process \(process) has text that no table has")
    }
  }

  /// Whether it can stand on a terminal, and in a column.
  private static func isPlain(_ text: String) -> Bool {
    text.utf8.count <= 100 && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }

  /// Whether it is about the network that is meant by `tun:sock0`, `tap:sock0` or `sock0`.
  package func isAbout(_ network: String) -> Bool {
    devices.contains { $0 == network || $0.split(separator: ":").last.map(String.init) == network }
  }
}
