import Addresses
import ArgumentParser
import Packets
import Sockets

/// `sock resolve`: what is known of a name.
struct Resolve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what is known of a name, or the name of an address.",
    discussion: """
      Without --type the name's addresses, the one to try first in front: from this machine's own \
      resolver, or with --network from the name servers of /etc/resolv.conf, asked over that \
      network. --type and --server always ask name servers.

      Examples:
        sock resolve localhost
        sock resolve www.example.org --type mx
        sock resolve 192.0.2.1
        sock resolve www.example.org --server 10.7.0.1 --network tun:sock0=10.7.0.2/24

      Exit codes: 0 something is known, 1 nothing is or nobody could say, 2 wrong usage.
      """)

  @Argument(help: "A name; or an address, whose name is asked for.")
  var name: String

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "a, aaaa, cname, mx, ns, ptr, soa, srv or txt.", valueName: "type"),
    transform: { text in
      guard let type = RecordText.type(named: text) else {
        throw Complaint("there is no type \"\(text)\"")
      }
      return type
    })
  var type: RecordType?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("ADDRESS or ADDRESS:PORT of the name server.", valueName: "server"),
    transform: { text in
      if let address = SocketAddress(text) { return address }
      do {
        return try SocketAddress(parsingAddress: text, port: ResolverConfiguration.port)
      } catch {
        throw Complaint("\(error)")
      }
    })
  var server: SocketAddress?

  @Option(name: [.customShort("W"), .long], help: "Seconds to wait for the answer.")
  var timeout = 15.0

  @OptionGroup var networks: NetworkOptions

  func validate() throws {
    guard (0.001...86_400).contains(timeout) else {
      throw ValidationError("-W takes 0.001 to 86400 seconds")
    }
    guard IPAddress(name) != nil || DomainName(name) != nil else {
      throw ValidationError("\"\(name)\" is neither a name nor an address")
    }
  }

  func run() async throws {
    let network = try await networks.open()
    let outcome = await Signals.interrupting { () -> Result<[String], SocketError> in
      do throws(SocketError) {
        return .success(try await answer(on: network.node))
      } catch {
        return .failure(error)
      }
    }
    await network.shutdown(within: .zero)
    for line in try outcome.get() { Console.say(line) }
  }

  private func answer(on node: any NetworkNode) async throws(SocketError) -> [String] {
    let timeout = Duration.seconds(timeout)
    var configuration = ResolverConfiguration.system
    if let server { configuration.servers = [server] }
    let resolver = Resolver(on: node, configuration: configuration)
    if let address = IPAddress(name) {
      return try await resolver.names(of: address, timeout: timeout)
    }
    if let type {
      return try await resolver.records(of: name, type: type, timeout: timeout).map(RecordText.line)
    }
    let source: any NameResolver = server == nil ? node.resolver : resolver
    return try await source.addresses(of: name, timeout: timeout).map { address in
      address.address.description + (address.zone == 0 ? "" : "%\(address.zone)")
    }
  }
}
