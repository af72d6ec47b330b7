import BasicContainers
import Logging
import ProtocolStack

// What the node's logger hears: changes, and what is the matter, once each.
extension StackCore {
  func tellHealth(of port: Int) {
    let health = ports[port].health
    let device: Logger.Metadata = ["device": "\(ports[port].link.name)"]
    ports[port].toldHealth = health
    switch health {
    case .up: logger.notice("the device is up again", metadata: device)
    case .down: logger.warning("the device is down: nothing is sent or received", metadata: device)
    case .gone: logger.error("the device is gone", metadata: device)
    }
  }

  /// What the stack has dropped since this was told last.
  func tellDrops() { diary.look(at: stack.counters, stack.tcpCounters, logger, now: now) }

  func tellResets(_ count: Int) {
    guard count > 0 else { return }
    logger.notice(
      "streams are reset: they have not ended in time", metadata: ["streams": "\(count)"])
  }

  /// - Parameter isFault: nobody has wanted it.
  func tellEnd(isFault: Bool) {
    if isFault {
      logger.error("node down: it has no device any more")
    } else {
      logger.info("node down")
    }
  }
}
