import Addresses
import Packets
import Synchronization

/// When a connection came to be, and what was read from it first.
struct ConnectionHistory: ~Copyable, Sendable {
  private let established: Instant
  /// Of the first read that came to something, in nanoseconds after the establishment; zero before.
  private let firstByte = Atomic<Int64>(0)
  /// When it was called for; nil where it was accepted.
  private let began: Instant?
  /// What there is to tell of a connection by name, in memory of its own.
  private let byName = Mutex<EstablishmentBox?>(nil)

  /// - Parameter began: when it was called for; nil where it was accepted.
  init(established: Instant, began: Instant?) {
    self.established = established
    self.began = began
  }

  func establishment(of remote: Endpoint) -> TCPConnection.Establishment? {
    if let known = byName.withLock({ $0?.establishment }) { return known }
    guard let began else { return nil }
    let duration = Duration(established.since(began))
    return TCPConnection.Establishment(
      duration: duration, resolution: nil,
      attempts: [.init(remote: remote, start: .zero, duration: duration, outcome: .connected)])
  }

  func setEstablishment(_ establishment: TCPConnection.Establishment) {
    let box = EstablishmentBox(establishment)
    byName.withLock { $0 = box }
  }

  func age(at now: Instant) -> Duration { Duration(now.since(established)) }

  var timeToFirstByte: Duration? {
    let nanoseconds = firstByte.load(ordering: .relaxed)
    return nanoseconds == 0 ? nil : .nanoseconds(nanoseconds)
  }

  /// A read has returned `count` bytes. One load, but for the first time.
  @inline(__always)
  func noteRead(_ count: Int, on clock: @autoclosure () -> NodeClock) {
    if firstByte.load(ordering: .relaxed) == 0, count > 0 { noteFirstRead(at: clock().moment) }
  }

  @inline(never)
  private func noteFirstRead(at now: Instant) {
    _ = firstByte.compareExchange(
      expected: 0, desired: max(now.since(established).nanoseconds, 1), ordering: .relaxed)
  }
}

/// How a connection was connected, in memory of its own. (Nested in ``ConnectionHistory``, it stops
/// the compiler, Swift 6.3.1.)
final class EstablishmentBox: Sendable {
  let establishment: TCPConnection.Establishment

  init(_ establishment: TCPConnection.Establishment) { self.establishment = establishment }
}
