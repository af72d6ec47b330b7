import BasicContainers
public import Packets
import ProtocolStack

extension World {
  /// Happenings of one instant beyond which a host is taken not to come to rest any more.
  private static var restlessness: Int { 5_000_000 }

  /// Lets the earliest happening happen.
  ///
  /// - Returns: false where nothing is left to happen, or the world has broken down.
  @discardableResult
  public mutating func step() -> Bool {
    guard breakdown == nil, let (instant, happening) = queue.removeFirst() else { return false }
    stepsThisInstant = instant == now ? stepsThisInstant &+ 1 : 0
    if stepsThisInstant > Self.restlessness {
      breakdown = "more than \(Self.restlessness) happenings at \(instant.nanoseconds) ns"
      return false
    }
    now = instant
    steps &+= 1
    let subject = Int(happening.subject)
    switch happening.kind {
    case .arrival: arrive(happening.detail, from: subject)
    case .deadline: ringTimers(of: subject)
    case .wake:
      hosts[subject].ring(Int(happening.detail), at: now)
      drain(subject)
    case .action:
      let action = script[Int(happening.detail)]
      action(&self)
      for host in 0..<hosts.count { drain(host) }
    }
    return true
  }

  /// Runs everything up to `instant`; time then is `instant`.
  public mutating func run(until instant: Instant) {
    while let next = queue.nextInstant, next <= instant, step() {}
    if now < instant { now = instant }
  }

  /// Runs until every program is finished, at most for so long.
  ///
  /// - Returns: whether they are.
  @discardableResult
  public mutating func runUntilFinished(within limit: Interval) -> Bool {
    let end = now + limit
    while unfinished > 0 {
      guard let next = queue.nextInstant, next <= end, step() else { break }
    }
    return unfinished == 0
  }

  /// Runs at most so many happenings, none beyond `end`.
  ///
  /// - Returns: whether there is more to do before `end`.
  public mutating func run(steps: Int, until end: Instant) -> Bool {
    for _ in 0..<steps {
      guard let next = queue.nextInstant, next <= end, step() else { return false }
    }
    return true
  }

  /// Lets what was done to a host from outside take effect.
  public mutating func settle(_ host: Int) { drain(host) }

  private mutating func ringTimers(of host: Int) {
    // A promise that was overtaken by an earlier one.
    guard hosts[host].scheduledDeadline == now else { return }
    hosts[host].scheduledDeadline = .distantFuture
    if let deadline = hosts[host].stack.nextDeadline, deadline <= now {
      hosts[host].stack.advance(to: now)
    }
    drain(host)
  }

  /// Pulls everything out of a host that has just been changed: events to its programs first, whose
  /// acts may ride on the packets that follow.
  mutating func drain(_ host: Int) {
    var rounds = 0
    var isRestless = true
    while isRestless {
      isRestless = false
      while let event = hosts[host].stack.nextEvent() {
        trace.add(event.kindNumber &<< 32 | UInt64(event.socket.index))
        hosts[host].dispatch(event, at: now)
        isRestless = true
      }
      for plug in hosts[host].plugs.indices {
        let place = hosts[host].plugs[plug]
        while let packet = hosts[host].stack.nextPacket(for: place.interface, at: now) {
          transmit(packet, of: host, wire: place.wire, end: place.end)
          isRestless = true
        }
      }
      rounds += 1
      if rounds > Self.restlessness {
        breakdown = "\(hosts[host].name) does not come to rest at \(now.nanoseconds) ns"
        return
      }
    }
    scheduleAlarms(of: host)
    scheduleDeadline(of: host)
  }

  private mutating func scheduleAlarms(of host: Int) {
    guard !hosts[host].alarms.isEmpty else { return }
    for index in hosts[host].alarms.indices {
      let alarm = hosts[host].alarms[index]
      queue.add(
        Happening(
          kind: .wake, subject: UInt32(truncatingIfNeeded: host),
          detail: UInt32(truncatingIfNeeded: alarm.application)), at: max(alarm.instant, now))
    }
    hosts[host].alarms.removeAll(keepingCapacity: true)
  }

  /// Promises to look after the host's timers, if that has not been promised for an earlier time.
  private mutating func scheduleDeadline(of host: Int) {
    guard var deadline = hosts[host].stack.nextDeadline else { return }
    guard deadline < hosts[host].scheduledDeadline else { return }
    let lateness = hosts[host].timerLateness.nanoseconds
    if lateness > 0 {
      deadline = deadline + Interval(nanoseconds: Int64(random.next(in: 0...Int(lateness))))
      guard deadline < hosts[host].scheduledDeadline else { return }
    }
    // A deadline that is due is due in a nanosecond, so that time moves.
    deadline = max(deadline, now + Interval(nanoseconds: 1))
    hosts[host].scheduledDeadline = deadline
    queue.add(
      Happening(kind: .deadline, subject: UInt32(truncatingIfNeeded: host), detail: 0),
      at: deadline)
  }
}
