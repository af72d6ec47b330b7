import Host
import Packets

/// What a ``Reactor`` drives: a protocol stack and its links.
///
/// The reactor calls each method on its own thread, never two at once, never inside a task.
protocol ReactorGuest: AnyObject, Sendable {
  /// Has the guest's descriptors watched, under tokens above zero.
  nonisolated func watch(with poller: inout EpollPoller)
  /// Whether it takes in nothing but what events tell it of: then events are asked for in every
  /// turn, also while tasks leave the thread no time to sleep.
  nonisolated var livesOnEvents: Bool { get }
  /// Sleeps in the guest's own way, which wakes it when the reactor's poller has events too: for
  /// `limit` at most, nil for any time, zero not at all.
  ///
  /// - Returns: whether that poller has events; nil where the guest has no way of its own.
  nonisolated func sleep(atMost limit: Interval?) -> Bool?
  /// Takes in what has arrived and what time has brought, and resumes who waited for it.
  nonisolated func takeInput()
  /// Takes note of what has happened to a descriptor, before ``takeInput()``.
  nonisolated func note(_ event: PollEvent)
  /// Gives out what is due.
  nonisolated func giveOutput(with poller: inout EpollPoller) -> GuestState
}

extension ReactorGuest {
  nonisolated func sleep(atMost limit: Interval?) -> Bool? { nil }
}

/// What a guest wants next.
enum GuestState: Sendable {
  /// Another turn at once: there may be more to take in or to give out.
  case busy
  /// Another turn when a descriptor is ready, somebody nudges, or that time has come.
  case idle(until: Instant?)
  /// No turn any more: the reactor lets go of the guest.
  case finished
}
