import ArgumentParser

/// The tool: one verb a file, in the order people meet them.
@main
struct Sock: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sock",
    abstract: "A network host of your own: its protocol stack is this program.",
    discussion: """
      Exit codes: 0 success, 1 the work failed (a sentence on standard error says why), 2 the \
      command line was wrong.
      """,
    version: "0.1.0",
    subcommands: [
      Dial.self, Serve.self, Ping.self, Trace.self, Resolve.self, Table.self, Dump.self, Bench.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      leave(after: error)
    }
  }

  /// Ends the program as the documented exit codes say.
  private static func leave(after error: any Error) -> Never {
    let code = exitCode(for: error)
    if code == .validationFailure {
      Console.complain(fullMessage(for: error))
      exit(withError: ExitCode(2))
    }
    exit(withError: error)
  }
}
