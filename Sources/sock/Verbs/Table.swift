import ArgumentParser
import Foundation

/// `sock table`: the sockets of this machine, and those of the stacks of ours that run on it.
struct Table: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List TCP and UDP sockets as ss does: this machine's, and those of stacks of ours.",
    discussion: """
      Recv-Q and Send-Q are bytes not read and not acknowledged; of a listener, connections that \
      wait and that may. Stack is host, or the device and the process of a stack of ours: a sock \
      serve, dial or other verb that runs with --network in this network namespace. It answers to \
      its own user and to root.

      Examples:
        sock table
        sock table --tcp --listening
        sock table --network tun:sock0
        sock table --ours --json
        sock table --watch --interval 0.5

      Exit codes: 0 listed, 1 the kernel does not tell or there is no such stack, 2 wrong usage.
      """)

  @Flag(name: [.short, .long], help: "TCP sockets; without -t and -u both.")
  var tcp = false

  @Flag(name: [.short, .long], help: "UDP sockets.")
  var udp = false

  @Flag(name: [.short, .long], help: "Only those that wait for peers.")
  var listening = false

  @Flag(name: [.short, .long], help: "Only those of stacks of ours.")
  var ours = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only those of one stack, host or a device such as tun:sock0; may be repeated.",
      valueName: "network"))
  var network: [String] = []

  @Flag(help: "Print one JSON object a line.")
  var json = false

  @Flag(name: [.short, .long], help: "List again and again, until interrupted.")
  var watch = false

  @Option(name: [.short, .long], help: "Seconds between lists.")
  var interval = 1.0

  func validate() throws {
    guard (0.01...86_400).contains(interval) else {
      throw ValidationError("-i takes 0.01 to 86400 seconds")
    }
    if ours, !network.isEmpty { throw ValidationError("--ours and --network exclude each other") }
    for name in network where name.contains("=") {
      throw ValidationError("\"\(name)\": without addresses, as in tun:sock0")
    }
  }

  func run() async throws {
    try await list()
    guard watch else { return }
    let outcome = await Signals.interrupting { () -> (any Error)? in
      do {
        while true {
          try await Task.sleep(for: .seconds(interval))
          Console.say("")
          try await list()
        }
      } catch {
        return error
      }
    }
    if let outcome, !(outcome is CancellationError) { throw outcome }
  }

  private func list() async throws {
    var rows: [TableRow] = []
    if network.isEmpty ? !ours : network.contains("host") { rows += try hostRows() }
    let devices = network.filter { $0 != "host" }
    if network.isEmpty || !devices.isEmpty {
      let running = await RunningStacks.all()
      rows += try running.rows(of: devices)
    }
    rows = rows.filter { ($0.netid == "tcp" ? tcp : udp) || tcp == udp }
    if listening { rows = rows.filter(\.isListening) }
    for line in json ? try TableText.objects(rows) : TableText.lines(rows) { Console.say(line) }
  }

  private func hostRows() throws -> [TableRow] {
    var rows: [TableRow] = []
    for kind in KernelSocketRow.Kind.allCases {
      // Without IPv6 its files are not there.
      guard let text = KernelText.read(kind.path) else {
        if kind == .tcp || kind == .udp { throw Complaint("\(kind.path) cannot be read") }
        continue
      }
      rows += KernelSocketRow.rows(text, kind).map { TableRow($0) }
    }
    return rows
  }
}
