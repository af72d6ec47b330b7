import ArgumentParser
import Logging

/// How much the verb tells of its doings, on standard error.
struct LogOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What to log on standard error, and everything graver.",
      discussion: """
        info: networks, services, the beginning of the end, connections that broke. debug: every \
        connection, and at the end what was dropped and why.
        """,
      valueName: "trace|debug|info|notice|warning|error|critical"),
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else {
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("there is no log level \"\(text)\": one of \(levels)")
      }
      return level
    })
  var logLevel: Logger.Level = .warning

  /// A logger of the program's own: a library may have others.
  func makeLogger() -> Logger {
    var logger = Logger(label: "sock") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = logLevel
    return logger
  }
}
