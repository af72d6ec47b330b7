import Addresses
import Sockets

/// Asks a host for one echo: `ping-host [HOST]`. Without root, Linux must allow it:
/// `sysctl net.ipv4.ping_group_range="0 2147483647"`.
///
/// Without arguments the host is one of our own, in this very process.
@main
struct PingHost {
  static func main() async throws {
    if let name = CommandLine.arguments.dropFirst().first {
      try await ping(name, from: HostNode())
    } else {
      let (node, neighbor) = try await StackNode.pair()
      try await ping("10.0.0.2", from: node)
      await neighbor.shutdown(within: .zero)
    }
  }

  private static func ping(_ name: String, from node: any NetworkNode) async throws {
    guard let host = try await node.resolver.addresses(of: name).first else { return }
    let socket = try await node.openEcho(host.address.isIPv4 ? .v4 : .v6)
    let payload = Array("are you there?".utf8)
    let start = ContinuousClock.now
    try await socket.send(payload.span, to: host.address, zone: host.zone, sequence: 1)
    var buffer = [UInt8](repeating: 0, count: 64)
    var span = buffer.mutableSpan
    let answer = try await socket.receive(into: &span, timeout: .seconds(2))
    guard answer.kind == .reply else { return print("\(answer.source): \(answer.kind)") }
    let text = String(decoding: buffer.prefix(answer.count), as: UTF8.self)
    print("\(answer.source) says \"\(text)\" after \(start.duration(to: .now))")
  }
}
