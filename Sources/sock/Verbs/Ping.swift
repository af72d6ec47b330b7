import Addresses
import ArgumentParser
import Foundation
import Sockets

/// `sock ping`: is a host there, and how far.
struct Ping: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a host for echoes, and measure how long they take.",
    discussion: """
      Examples:
        sock ping 127.0.0.1
        sock ping 10.7.0.1 --network tun:sock0=10.7.0.2/24
        sock ping fd07::1 -c 3 -i 0.2 -s 1400 --network tun:sock0=fd07::2/64

      Exit codes: 0 an echo came back, 1 none did or the network failed, 2 wrong usage.
      """)

  @Argument(help: "An IPv4 or IPv6 address, or a name.")
  var host: String

  @Option(name: [.short, .long], help: "Requests to send; without it, until interrupted.")
  var count: Int?

  @Option(name: [.short, .long], help: "Seconds between requests.")
  var interval = 1.0

  @Option(name: [.short, .long], help: "Bytes of payload, 0 to 65507.")
  var size = 56

  @Option(
    name: [.customShort("W"), .long], help: "Seconds to wait for an echo after the last request.")
  var timeout = 2.0

  @Option(name: [.short, .long], help: "The hop limit of the requests, 1 to 255.")
  var ttl: UInt8 = 64

  @Flag(name: .customShort("4"), help: "Use IPv4.")
  var onlyIPv4 = false

  @Flag(name: .customShort("6"), help: "Use IPv6.")
  var onlyIPv6 = false

  @Flag(help: "Print one JSON object a line.")
  var json = false

  @OptionGroup var networks: NetworkOptions

  func validate() throws {
    guard !(onlyIPv4 && onlyIPv6) else { throw ValidationError("-4 and -6 exclude each other") }
    guard NamedEndpoint.isHost(host) else {
      throw ValidationError("\"\(host)\" is neither an address nor a name")
    }
    if let address = IPAddress(host), !suits(address) {
      throw ValidationError("\(host) is an address of the other IP version")
    }
    if let count, count < 1 { throw ValidationError("-c takes 1 or more") }
    guard (0.001...86_400).contains(interval) else {
      throw ValidationError("-i takes 0.001 to 86400 seconds")
    }
    guard (0...65_507).contains(size) else { throw ValidationError("-s takes 0 to 65507 bytes") }
    guard (0...86_400).contains(timeout) else {
      throw ValidationError("-W takes 0 to 86400 seconds")
    }
    guard ttl > 0 else { throw ValidationError("-t takes 1 to 255") }
  }

  func run() async throws {
    let network = try await networks.open()
    let outcome = await Signals.interrupting { () -> Result<PingStatistics, any Error> in
      let destination: SocketAddress
      do {
        destination = try await network.node.address(of: host, suits: suits)
      } catch {
        return .failure(error)
      }
      let course = PingCourse(
        destination: destination, count: count ?? .max, interval: .seconds(interval), size: size,
        patience: .seconds(timeout), hopLimit: ttl,
        printer: PingPrinter(host: host, asJSON: json))
      return await withTaskExecutorPreference(network.node.executor) {
        await course.run(on: network.node).mapError { $0 }
      }
    }
    await network.shutdown(within: .zero)
    let statistics = try outcome.get()
    guard statistics.received > 0 else { throw ExitCode.failure }
  }

  private func suits(_ address: IPAddress) -> Bool {
    address.isIPv4 ? !onlyIPv6 : !onlyIPv4
  }
}
