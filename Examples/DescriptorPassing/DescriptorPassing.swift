import Sockets
import SystemPackage

/// Opens files for a process that may not, and passes them on (`SCM_RIGHTS`):
///
///     descriptor-passing keep unix:@keeper     opens what it is asked for, for its own user alone
///     descriptor-passing read unix:@keeper PATH   prints a file that the keeper opened
///     descriptor-passing stop unix:@keeper     ends the keeper
@main
struct DescriptorPassing {
  static func main() async throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count >= 2 else {
      return print("usage: descriptor-passing keep|read|stop unix:ADDRESS [PATH]")
    }
    let node = HostNode()
    let address = try LocalAddress(parsing: arguments[1])
    switch arguments[0] {
    case "keep": try await keep(node, at: address)
    case "stop": try await node.connect(to: address, as: .packets).write([])
    default: try await read(arguments.dropFirst(2).first ?? "", node, from: address)
    }
  }

  private static func keep(_ node: HostNode, at address: LocalAddress) async throws {
    // Messages keep their bounds, so that each is one path.
    let listener = try node.listen(on: address, as: .packets)
    print("keeps \(listener.local)")
    let own = try node.connectPair().0.peerCredentials
    for try await client in listener.connections {
      let peer = try client.peerCredentials
      guard peer.user == own.user else { continue }
      let path = String(decoding: try await client.read(timeout: .seconds(10)), as: UTF8.self)
      if path.isEmpty { return }
      do {
        let file = try FileDescriptor.open(FilePath(path), .readOnly)
        // The other process gets a descriptor of its own; this one goes.
        defer { try? file.close() }
        try await client.write(
          Array("opened for process \(peer.process)".utf8), passing: [file])
      } catch let error as Errno {
        try await client.write(Array("\(path): \(error)".utf8))
      }
    }
  }

  private static func read(
    _ path: String, _ node: HostNode, from address: LocalAddress
  ) async throws {
    let keeper = try await node.connect(to: address, as: .packets, timeout: .seconds(10))
    try await keeper.write(Array(path.utf8))
    var bytes = [UInt8](repeating: 0, count: 512)
    var span = bytes.mutableSpan
    let answer = try await keeper.receive(into: &span, timeout: .seconds(10))
    print(String(decoding: bytes.prefix(answer.count), as: UTF8.self))
    for file in answer.descriptors {
      try file.closeAfter { print(try text(of: file), terminator: "") }
    }
  }

  /// All that can be read.
  private static func text(of file: FileDescriptor) throws -> String {
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = try unsafe chunk.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
      if count == 0 { return String(decoding: text, as: UTF8.self) }
      text += chunk.prefix(count)
    }
  }
}
