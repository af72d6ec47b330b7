public import Packets
public import ProtocolStack

/// A program on a simulated host: a small synchronous state machine, driven by the events of its
/// sockets and by the alarms it set.
///
/// It acts on the host it is handed and on nothing else; what it has seen and done it keeps, for
/// the test to read afterwards.
public protocol Application: AnyObject {
  /// Nothing is left to do, or to hope for.
  var isFinished: Bool { get }
  /// Why it did not end as planned; nil while all is well.
  var failure: String? { get }

  /// The first thing it does.
  func start(on host: inout Host, at now: Instant)
  /// Something happened to a socket it owns.
  func handle(_ event: Event, on host: inout Host, at now: Instant)
  /// An alarm it set with ``Host/wake(at:)`` rings. Alarms may ring early and for nothing.
  func wake(on host: inout Host, at now: Instant)
}

extension Application {
  public func wake(on host: inout Host, at now: Instant) {}
}
