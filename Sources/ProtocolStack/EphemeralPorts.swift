/// The ports given to sockets that ask for none (RFC 6056 §3.2): never zero, and at least one.
struct EphemeralPorts: Sendable {
  private let first: UInt32
  let count: UInt32

  init(_ configuration: StackConfiguration) {
    let low = min(configuration.firstEphemeralPort, configuration.lastEphemeralPort)
    let high = max(configuration.firstEphemeralPort, configuration.lastEphemeralPort)
    first = max(UInt32(low), 1)
    count = max(UInt32(high), first) &- first &+ 1
  }

  /// The port at a place; behind the last one they begin anew.
  func port(_ place: UInt32) -> UInt16 {
    UInt16(truncatingIfNeeded: first &+ place % max(count, 1))
  }
}
