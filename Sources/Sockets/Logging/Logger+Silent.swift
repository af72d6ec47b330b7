package import Logging

extension Logger {
  /// Tells nobody anything: what a node logs to whose program has chosen no logger. One for all, so
  /// that a node without a logger costs no memory for it.
  package static let silent = Logger(label: "swift-sockets") { _ in SwiftLogNoOpLogHandler() }

  /// The same logger, whose every line names the node that it is about.
  func naming(node: String) -> Logger {
    var logger = self
    logger[metadataKey: "node"] = "\(node)"
    return logger
  }
}
