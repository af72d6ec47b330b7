import Addresses
import ArgumentParser
import Foundation
import Logging
import Sockets

/// `sock serve`: services on a network of our own.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Offer services on a network: echo, discard, generate, files.",
    discussion: """
      Examples:
        sock serve --network tun:sock0=10.7.0.2/24,fd07::2/64 --directory .
        sock serve --network tun:sock0=10.7.0.2/24 --echo tcp://0.0.0.0:7 --echo udp://0.0.0.0:7
        sock serve --network tap:sock0=10.7.0.2/24 --discard tcp://[::]:9 --report

        sock serve --echo tcp://127.0.0.1:7007

      Then, for example: curl http://10.7.0.2:8080/

      Without --network the services are offered by this machine's own network. Opening a device \
      needs root or CAP_NET_ADMIN. An interrupt (Ctrl-C) or SIGTERM ends the program in order: \
      exit code 0, and a line of totals for each service. SIGUSR1 prints the socket table. Exit \
      code 1: a service could not be offered. 2: wrong usage.
      """)

  @OptionGroup var networks: NetworkOptions

  @Option(
    help: ArgumentHelp(
      "Send back what comes. May be repeated, like those below.", valueName: "endpoint"),
    transform: { try HostNames.system.endpoint($0) })
  var echo: [Endpoint] = []

  @Option(
    help: ArgumentHelp("Count what comes, exactly.", valueName: "endpoint"),
    transform: { try HostNames.system.endpoint($0) })
  var discard: [Endpoint] = []

  @Option(
    help: ArgumentHelp("Send without end, until the peer closes.", valueName: "endpoint"),
    transform: { try HostNames.system.endpoint($0) })
  var generate: [Endpoint] = []

  @Option(
    help: ArgumentHelp("Serve the files of this directory over HTTP.", valueName: "directory"))
  var directory: String?

  @Option(
    help: ArgumentHelp("Where to serve the files.", valueName: "endpoint"),
    transform: { try HostNames.system.endpoint($0) })
  var at: Endpoint = .tcp(.v6(.any), port: 8080)

  @Flag(help: "Print a line for every connection, and the socket table at the end.")
  var report = false

  func validate() throws {
    guard directory != nil || !(echo + discard + generate).isEmpty else {
      throw ValidationError("nothing to serve: give --directory, --echo, --discard or --generate")
    }
    for endpoint in echo + discard + generate where endpoint.transport == .ip {
      throw ValidationError("\(endpoint): services are offered on tcp:// and udp:// endpoints")
    }
    guard at.transport == .tcp else {
      throw ValidationError("--at \(at): files are served on a tcp:// endpoint")
    }
  }

  func run() async throws {
    let logger = networks.logging.makeLogger()
    let offers = try makeOffers(logger)
    let network = try await networks.open()
    let node = network.node
    let signals = await Signals.stream(SIGINT, SIGTERM, SIGUSR1)
    let opened: [OpenOffer]
    do {
      opened = try await open(offers, on: node, logger)
    } catch {
      await network.shutdown(within: .zero)
      throw error
    }
    try await withTaskExecutorPreference(node.executor) {
      try await withThrowingTaskGroup { group in
        for offer in opened { group.addTask { try await offer.serve(on: node.executor) } }
        group.addTask { try await obey(signals, network) }
        // The first to end is the one that was told to, or one that cannot go on.
        try await group.next()
        group.cancelAll()
      }
    }
    for offer in opened { offer.close() }
    logger.info("ending")
    await network.shutdown(within: .seconds(1))
    for offer in offers { Console.say(offer.summary) }
  }

  private func makeOffers(_ logger: Logger) throws -> [Offer] {
    func offer(_ service: Service, _ endpoint: Endpoint, report: Bool) -> Offer {
      Offer(service, endpoint, reportsConnections: report, logger)
    }
    var offers = echo.map { offer(.echo, $0, report: report) }
    // The exact count is what a discard service is for.
    offers += discard.map { offer(.discard, $0, report: true) }
    offers += generate.map { offer(.generate, $0, report: report) }
    if let directory { offers.append(offer(.files(try FileTree(directory)), at, report: report)) }
    return offers
  }

  private func open(
    _ offers: [Offer], on node: any NetworkNode, _ logger: Logger
  ) async throws -> [OpenOffer] {
    var opened: [OpenOffer] = []
    for offer in offers {
      let open = try await OpenOffer(offer, on: node)
      Console.say("\(offer.service.name) on \(open.local)")
      logger.info(
        "service offered",
        metadata: ["service": "\(offer.service.name)", "local": "\(open.local)"])
      opened.append(open)
    }
    return opened
  }

  /// Prints the table when asked to; returns when the program is to end.
  private func obey(_ signals: AsyncStream<Int32>, _ network: OpenNetwork) async throws {
    for await number in signals {
      if number != SIGUSR1 { break }
      Console.say(await network.table())
    }
    if report { Console.say(await network.table()) }
  }
}
