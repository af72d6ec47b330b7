import Addresses
import Sockets

/// A chat without a server: everybody sends to a multicast group, and hears what anybody sends.
///
///     multicast-chat INTERFACE NAME    what is typed goes to everybody on that interface's network
///     multicast-chat                   two of our own, on hosts of ours in this very process
///
/// Who leaves says so; the two leave when they have heard each other.
@main
struct MulticastChat {
  /// One of those that a site may use as it likes (RFC 2365 §6.1).
  private static let group = "239.255.70.7"
  private static let port: PortNumber = 7_007

  static func main() async throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.count == 2 {
      try await chat(on: HostNode(), arguments[0], as: arguments[1])
    } else {
      try await rehearse()
    }
  }

  /// A member of the chat.
  private struct Member {
    let name: String
    let socket: UDPSocket
    let group: Endpoint

    init(_ name: String, on node: any NetworkNode, _ interface: String) async throws {
      self.name = name
      let address = try IPAddress(parsing: MulticastChat.group)
      group = .udp(address, port: MulticastChat.port)
      var options = UDPOptions()
      options.multicastInterface = interface
      socket = try await node.bind(
        .udp(.v4(.any), port: MulticastChat.port), options: options)
      try await socket.join(address, on: interface)
    }

    func say(_ text: String) async throws {
      try await socket.send(Array("\(name): \(text)".utf8).span, to: group)
    }

    /// The next thing anybody says, this member included.
    func hear() async throws -> String {
      let datagram = try await socket.receive(timeout: .seconds(600))
      return String(decoding: datagram.bytes, as: UTF8.self)
    }
  }

  private static func chat(
    on node: any NetworkNode, _ interface: String, as name: String
  ) async throws {
    let member = try await Member(name, on: node, interface)
    let hearing = Task { while true { print(try await member.hear()) } }
    // Typing blocks its thread: not one that packets need.
    let typed = AsyncStream<String> { lines in
      Task.detached(executorPreference: globalConcurrentExecutor) {
        while let line = readLine() { lines.yield(line) }
        lines.finish()
      }
    }
    for await line in typed { try await member.say(line) }
    try await member.say("(leaves)")
    hearing.cancel()
  }

  private static func rehearse() async throws {
    let (here, there) = try await StackNode.pair()
    let members = [
      try await Member("Ada", on: here, "wire0"), try await Member("Grace", on: there, "wire0"),
    ]
    for member in members { try await member.say("hello, I am \(member.name)") }
    for member in members {
      // Everybody hears everybody, themselves included, in whatever order.
      var heard: Set<String> = []
      while heard.count < members.count { heard.insert(try await member.hear()) }
      for text in heard.sorted() { print("\(member.name) hears \"\(text)\"") }
    }
    await here.shutdown(within: .zero)
    await there.shutdown(within: .zero)
  }
}
