import Berkeley
import BerkeleyCases
import Testing

/// All tests of the library for C, one after another: its descriptors and its nodes are the
/// process's, and a call that names no node means the first that is open.
@Suite(.serialized)
enum ClassicCalls {
  /// What calls answer on Linux, and then on two nodes of ours.
  ///
  /// - Parameter write: makes them, on Linux where the first argument is not zero, and writes lines
  ///   and a zero into the room it gets.
  static func transcripts(
    _ write: (CInt, UnsafeMutablePointer<CChar>, Int) -> Void
  ) throws -> (linux: [String], ours: [String]) {
    var nodes: [CInt] = [0, 0]
    let isOpen = unsafe sockets_open_pair(&nodes) == 0
    try #require(isOpen)
    defer { for node in nodes { _ = sockets_close_node(node) } }
    return unsafe (transcript(1, write), transcript(0, write))
  }

  private static func transcript(
    _ side: CInt, _ write: (CInt, UnsafeMutablePointer<CChar>, Int) -> Void
  ) -> [String] {
    var text = [CChar](repeating: 0, count: 1 << 16)
    unsafe write(side, &text, text.count)
    let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
