import Addresses
import ArgumentParser
import Foundation
import Sockets

/// `sock dial`: standard input and output, and a peer.
struct Dial: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Connect standard input and output to a peer, as netcat does.",
    discussion: """
      The end of standard input ends our stream, not the connection: what the peer still sends is \
      written to standard output until its stream ends too. (At a terminal the peer's end is \
      enough.)

      Examples:
        sock dial 127.0.0.1:80
        sock dial tcp://10.7.0.1:80 --network tun:sock0=10.7.0.2/24
        echo hello | sock dial 10.7.0.1:7 --udp --network tun:sock0=10.7.0.2/24

      Exit codes: 0 both streams ended in order, 1 the connection failed or broke, 2 wrong usage.
      """)

  @Argument(
    help: ArgumentHelp(
      "tcp://HOST:PORT, udp://HOST:PORT, or HOST:PORT for TCP; HOST is an address or a name.",
      valueName: "endpoint"))
  var target: String

  @Flag(name: [.short, .long], help: "ADDRESS:PORT means UDP; each read becomes a datagram.")
  var udp = false

  @Option(
    name: [.short, .customLong("wait")],
    help: ArgumentHelp(
      "UDP: how long to wait for answers after the input's end; TCP: for the connection.",
      valueName: "seconds"))
  var wait: Double?

  @OptionGroup var networks: NetworkOptions

  private var place: NamedEndpoint {
    get throws { try NamedEndpoint.given(target, usual: udp ? .udp : .tcp) }
  }

  func validate() throws {
    let endpoint: NamedEndpoint
    do {
      endpoint = try place
    } catch {
      throw ValidationError("\(error)")
    }
    guard endpoint.transport != .ip else {
      throw ValidationError("\(endpoint): dial a tcp:// or udp:// endpoint")
    }
    guard !udp || endpoint.transport == .udp else {
      throw ValidationError("--udp does not suit \(endpoint)")
    }
    if let wait, !(0...86_400).contains(wait) {
      throw ValidationError("--wait takes 0 to 86400 seconds")
    }
  }

  func run() async throws {
    let place = try place
    let network = try await networks.open()
    let outcome = await Signals.interrupting { await dial(place, on: network.node) }
    await network.shutdown(within: .seconds(2))
    if let complaint = outcome { throw complaint }
  }

  /// - Returns: what went wrong.
  private func dial(_ place: NamedEndpoint, on node: any NetworkNode) async -> (any Error)? {
    do {
      if place.transport == .udp {
        try await exchangeDatagrams(place.endpoint(on: node), on: node)
      } else {
        try await exchangeStreams(place, on: node)
      }
      return nil
    } catch {
      return error
    }
  }

  private func exchangeStreams(_ place: NamedEndpoint, on node: any NetworkNode) async throws {
    let connection = try await node.connect(
      to: place, timeout: wait.map { .seconds($0) })
    try await withThrowingTaskGroup { group in
      group.addTask {
        while true {
          let bytes = try await StandardStreams.read()
          if bytes.isEmpty { return try await connection.shutdownSend() }
          try await connection.write(bytes)
        }
      }
      group.addTask {
        while true {
          let bytes = try await connection.read(upTo: 262_144)
          if bytes.isEmpty { return }
          try await StandardStreams.write(bytes)
        }
      }
      try await group.next()
      // A person at a terminal need not end an input that nobody reads any more.
      if isatty(0) == 0 { try await group.next() }
      group.cancelAll()
    }
    connection.close()
  }

  private func exchangeDatagrams(_ endpoint: Endpoint, on node: any NetworkNode) async throws {
    let socket = try await node.bind()
    try await socket.connect(to: endpoint)
    let patience = Duration.seconds(wait ?? 1)
    try await withThrowingTaskGroup { group in
      group.addTask {
        while true {
          let bytes = try await StandardStreams.read()
          if bytes.isEmpty { break }
          try await socket.send(bytes)
        }
        try await Task.sleep(for: patience)
      }
      group.addTask {
        for try await datagram in socket.datagrams {
          try await StandardStreams.write(datagram.bytes)
        }
      }
      try await group.next()
      group.cancelAll()
    }
  }
}
