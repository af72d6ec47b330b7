import Addresses
import Foundation
package import Sockets

/// A socket in the table, of whichever stack. As JSON it is one object.
package struct TableRow: Hashable, Sendable, Codable {
  /// `tcp` or `udp`.
  package let netid: String
  /// As `ss` calls it.
  package let state: String
  package let receiveQueue: Int
  package let sendQueue: Int
  package let local: String
  /// nil where it has no peer.
  package let peer: String?
  /// The owner's number.
  package var user: Int
  /// The kernel's name for it; nil on a stack of ours.
  package let inode: UInt64?
  /// `host`, or the device of a stack of ours.
  package var stack: String
  /// The process that a stack of ours is; nil for the kernel's.
  package var process: Int?

  package var isListening: Bool { state == "LISTEN" || state == "UNCONN" }

  package init(_ row: KernelSocketRow) {
    netid = row.kind.isStream ? "tcp" : "udp"
    state = row.state
    receiveQueue = row.receiveQueue
    sendQueue = row.sendQueue
    local = "\(row.local)"
    peer = row.remote.port == .any ? nil : "\(row.remote)"
    user = row.user
    inode = row.inode
    stack = "host"
    process = nil
  }

  /// - Parameters:
  ///   - stack: the node's device.
  ///   - process: this one.
  ///   - user: who runs it.
  package init(_ entry: SocketEntry, stack: String, process: Int, user: Int) {
    netid = "\(entry.local.transport)"
    state =
      switch entry.state {
      case .listening: "LISTEN"
      case .open: "UNCONN"
      case .connected, .connection(.established): "ESTAB"
      case .connection(.synReceived): "SYN-RECV"
      case .connection(let state): state.rawValue
      }
    receiveQueue = entry.receiveQueue
    sendQueue = entry.sendQueue
    local = "\(entry.local.socketAddress)"
    peer = entry.remote.map { "\($0.socketAddress)" }
    self.user = user
    inode = nil
    self.stack = stack
    self.process = process
  }
}

/// Rows as lines.
package struct TableText {
  /// A JSON object for each.
  package static func objects(_ rows: [TableRow]) throws -> [String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try rows.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
  }

  /// Under one another, each column as wide as its widest.
  package static func lines(_ rows: [TableRow]) -> [String] {
    let header = ["Netid", "State", "Recv-Q", "Send-Q", "Local", "Peer", "User", "Inode", "Stack"]
    let cells =
      [header]
      + rows.map { row in
        [
          row.netid, row.state, "\(row.receiveQueue)", "\(row.sendQueue)", row.local,
          row.peer ?? "*", "\(row.user)", row.inode.map { "\($0)" } ?? "-",
          row.stack + (row.process.map { "/\($0)" } ?? ""),
        ]
      }
    let widths = header.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      let padded = zip(row, widths).map { text, width in
        text + String(repeating: " ", count: width - text.count)
      }
      return String(padded.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
  }
}
