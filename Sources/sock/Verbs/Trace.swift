import Addresses
import ArgumentParser
import Sockets

/// `sock trace`: the way to a host.
struct Trace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the routers on the way to a host, by echo requests.",
    discussion: """
      Without --network, from this machine's own network: where the kernel allows echo sockets \
      (net.ipv4.ping_group_range), or with root or CAP_NET_RAW.

      Examples:
        sock trace 192.0.2.1
        sock trace 192.0.2.1 --network tun:sock0=10.7.0.2/24

      Exit codes: 0 the host answered, 1 it did not or the network failed, 2 wrong usage.
      """)

  @Argument(help: "An IPv4 or IPv6 address, or a name.")
  var host: String

  @Option(name: [.customShort("m"), .long], help: "The hops to try, 1 to 255.")
  var hops: UInt8 = 30

  @Option(name: [.short, .long], help: "Requests for each hop, 1 to 10.")
  var queries = 3

  @Option(name: [.customShort("W"), .long], help: "Seconds to wait for the answers of each hop.")
  var timeout = 2.0

  @OptionGroup var networks: NetworkOptions

  func validate() throws {
    guard hops > 0 else { throw ValidationError("-m takes 1 to 255") }
    guard (1...10).contains(queries) else { throw ValidationError("-q takes 1 to 10") }
    guard (0.001...60).contains(timeout) else {
      throw ValidationError("-W takes 0.001 to 60 seconds")
    }
  }

  func run() async throws {
    let network = try await networks.open()
    let outcome = await Signals.interrupting { () -> Result<Bool, any Error> in
      do {
        let destination = try await network.node.address(of: host, suits: { _ in true })
        Console.say("trace to \(host) (\(destination.address)), \(hops) hops at most")
        let course = TraceCourse(
          destination: destination, most: hops, queries: queries, patience: .seconds(timeout))
        return .success(try await course.run(on: network.node) { Console.say($0.line) })
      } catch {
        return .failure(error)
      }
    }
    await network.shutdown(within: .zero)
    guard try outcome.get() else { throw ExitCode.failure }
  }
}
