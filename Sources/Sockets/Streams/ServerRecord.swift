import Logging
import Synchronization

/// What a server has done, and what it tells of that: lines for what an operator can do something
/// about, and each of them once however often it recurs.
final class ServerRecord: Sendable {
  private let logger: Logger
  private let limit: Int
  private let answered = Atomic<Int>(0)
  private let failed = Atomic<Int>(0)
  private let atWork = Atomic<Int>(0)
  /// The limit of connections was reached, and there was no respite since.
  private let isCrowded = Atomic(false)
  /// Connections could not be accepted.
  private let isShort = Atomic(false)

  init(_ logger: Logger, _ local: String, limit: Int) {
    var logger = logger
    logger[metadataKey: "local"] = "\(local)"
    self.logger = logger
    self.limit = limit
  }

  func started() { logger.info("serving", metadata: ["concurrency": "\(limit)"]) }

  func stopped(_ failure: SocketError?) {
    let counts: Logger.Metadata = [
      "answered": "\(answered.load(ordering: .relaxed))",
      "failed": "\(failed.load(ordering: .relaxed))",
    ]
    if let failure {
      logger.error("the server cannot go on", error: failure, metadata: counts)
    } else {
      logger.info("served", metadata: counts)
    }
  }

  /// The time of grace is over, and handlers are at work still.
  func graceEnded() {
    logger.notice(
      "handlers are cancelled: they have not ended in time",
      metadata: ["handlers": "\(atWork.load(ordering: .relaxed))"])
  }

  func begins() {
    if isShort.load(ordering: .relaxed), isShort.exchange(false, ordering: .relaxed) {
      logger.notice("connections are accepted again")
    }
    guard atWork.add(1, ordering: .relaxed).newValue >= limit,
      !isCrowded.exchange(true, ordering: .relaxed)
    else { return }
    logger.notice(
      "as many connections as there may be: others wait", metadata: ["concurrency": "\(limit)"])
  }

  func ends(_ connection: TCPConnection, _ failure: (any Error)?) {
    answered.add(1, ordering: .relaxed)
    // Half the limit is respite: at the limit itself each connection would be told of.
    if atWork.subtract(1, ordering: .relaxed).newValue <= limit / 2,
      isCrowded.load(ordering: .relaxed)
    {
      isCrowded.store(false, ordering: .relaxed)
    }
    guard let failure else { return }
    failed.add(1, ordering: .relaxed)
    let remote: Logger.Metadata = ["remote": "\(connection.remote)"]
    switch failure {
    case is CancellationError:
      logger.debug("handler cancelled", metadata: remote)
    case let error as SocketError where error.reason == .cancelled:
      logger.debug("handler cancelled", metadata: remote)
    case is SocketError:
      logger.info("connection broke", error: failure, metadata: remote)
    default:
      logger.error("handler failed", error: failure, metadata: remote)
    }
  }

  /// The listener has failed with what may pass.
  func couldNotAccept(_ error: SocketError) {
    guard !isShort.exchange(true, ordering: .relaxed) else { return }
    logger.warning("a connection could not be accepted, trying again", error: error)
  }
}
