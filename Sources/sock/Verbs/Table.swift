import ArgumentParser
import Foundation

/// `sock table`: this machine's sockets.
struct Table: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List this machine's TCP and UDP sockets, as ss does.",
    discussion: """
      Recv-Q and Send-Q are bytes not read and not acknowledged; of a listener, connections that \
      wait and that may.

      Examples:
        sock table
        sock table --tcp --listening
        sock table --watch --interval 0.5

      Exit codes: 0 listed, 1 the kernel does not tell, 2 wrong usage.
      """)

  @Flag(name: [.short, .long], help: "TCP sockets; without -t and -u both.")
  var tcp = false

  @Flag(name: [.short, .long], help: "UDP sockets.")
  var udp = false

  @Flag(name: [.short, .long], help: "Only those that wait for peers.")
  var listening = false

  @Flag(name: [.short, .long], help: "List again and again, until interrupted.")
  var watch = false

  @Option(name: [.short, .long], help: "Seconds between lists.")
  var interval = 1.0

  func validate() throws {
    guard (0.01...86_400).contains(interval) else {
      throw ValidationError("-i takes 0.01 to 86400 seconds")
    }
  }

  func run() async throws {
    try list()
    guard watch else { return }
    let outcome = await Signals.interrupting { () -> (any Error)? in
      do {
        while true {
          try await Task.sleep(for: .seconds(interval))
          Console.say("")
          try list()
        }
      } catch {
        return error
      }
    }
    if let outcome, !(outcome is CancellationError) { throw outcome }
  }

  private func list() throws {
    var rows: [KernelSocketRow] = []
    for kind in KernelSocketRow.Kind.allCases where (kind.isStream ? tcp : udp) || tcp == udp {
      // Without IPv6 its files are not there.
      guard let text = try? String(contentsOfFile: kind.path, encoding: .utf8) else {
        if kind == .tcp || kind == .udp { throw Complaint("\(kind.path) cannot be read") }
        continue
      }
      rows += KernelSocketRow.rows(text, kind)
    }
    if listening { rows = rows.filter(\.isListening) }
    for line in TableText.lines(rows) { Console.say(line) }
  }
}
