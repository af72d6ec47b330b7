import ArgumentParser
import Logging

/// How much the verb tells of its doings, on standard error.
struct LogOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What to log on standard error, and everything graver.",
      discussion: """
        info: networks, services, the beginning of the end, connections that broke. debug: every \
        connection and every name server that failed, and now and then what was dropped and why. \
        Without it, warnings.
        """,
      valueName: "trace|debug|info|notice|warning|error|critical"),
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else {
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("there is no log level \"\(text)\": one of \(levels)")
      }
      return level
    })
  var logLevel: Logger.Level?

  @Flag(name: [.short, .long], help: "Log more: -v is info, -vv debug, -vvv trace.")
  var verbose: Int

  private var level: Logger.Level {
    if let logLevel { return logLevel }
    let levels: [Logger.Level] = [.warning, .info, .debug, .trace]
    return levels[min(verbose, levels.count - 1)]
  }

  func validate() throws {
    guard logLevel == nil || verbose == 0 else {
      throw ValidationError("--log-level and -v exclude each other")
    }
  }

  /// A logger of the program's own: a library may have others.
  func makeLogger() -> Logger {
    var logger = Logger(label: "sock") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = level
    return logger
  }
}
