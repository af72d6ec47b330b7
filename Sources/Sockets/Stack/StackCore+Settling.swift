import Addresses
import ProtocolStack

extension StackCore {
  /// Waits until no address of the node is tentative any more: on an Ethernet the other stations
  /// are asked first, which takes a second or two (RFC 4862 §5.4, RFC 5227 §2.1).
  ///
  /// - Returns: the addresses that another station has.
  func settle() async -> [IPAddress] {
    if !isFinished, hasTentativeAddresses {
      await withCheckedContinuation { settler in
        settlers.append(settler)
        // The runtime may have let the turn pass that settled them.
        reactor.nudge()
      }
    }
    return ownAddresses.filter { $0.state == .duplicate }.map(\.address)
  }

  /// Resumes who waits for the addresses, if they are settled.
  func announceAddresses() {
    guard !settlers.isEmpty, isFinished || !hasTentativeAddresses else { return }
    for settler in settlers { settler.resume() }
    settlers = []
  }

  private var hasTentativeAddresses: Bool { ownAddresses.contains { $0.state == .tentative } }

  private var ownAddresses: [InterfaceAddress] {
    stack.interfaceIndices.flatMap { stack.addresses(on: $0) }
  }
}
