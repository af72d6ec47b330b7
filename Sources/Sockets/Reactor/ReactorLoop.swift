import Host
import Packets
import Synchronization

/// The part of a ``Reactor`` that its thread owns. It does not own the reactor, so that the last
/// task that prefers the reactor can end it.
final class ReactorLoop: Sendable {
  /// A job, and whether it is an actor's.
  fileprivate struct Job {
    let job: UnownedJob
    let isIsolated: Bool
  }

  /// What others leave for the thread to find.
  fileprivate struct Inbox {
    var jobs: [Job] = []
    var guest: (any ReactorGuest)?
    var isStopping = false
    var isNudged = false
    /// The thread waits, or is about to: who leaves something wakes it.
    var isSleeping = false

    var isEmpty: Bool { jobs.isEmpty && guest == nil && !isStopping && !isNudged }
  }

  /// The thread's identity, zero before it runs and after it has ended.
  let thread = Atomic<UInt>(0)
  private let inbox = Mutex(Inbox())
  /// What the thread leaves for itself: most jobs are tasks that it has just woken. Nobody else
  /// touches them, so they need no lock; who comes here is asked each time.
  nonisolated(unsafe) private var ownJobs: [Job] = []
  /// Here until the thread takes it.
  private let poller: Mutex<EpollPoller?>
  private let wakeUp: WakeUp
  /// Has descriptors watched for the guest, under tokens above zero.
  let registrar: EpollRegistrar

  /// Batches of jobs in one turn: a task that keeps enqueueing must not keep packets out.
  private static let batchesPerTurn = 16

  /// What is moved on where there is nothing left to do, if time is not the machine's.
  private let virtualTime: VirtualTime?

  init(_ virtualTime: VirtualTime?) throws(SystemError) {
    self.virtualTime = virtualTime
    let wakeUp = try WakeUp()
    var poller = try EpollPoller()
    try poller.add(wakeUp.descriptor, interest: .readable, token: 0)
    registrar = poller.registrar
    self.wakeUp = wakeUp
    self.poller = Mutex(poller)
  }

  // MARK: From any thread

  /// Whether the caller runs on the thread.
  var isCurrent: Bool { thread.load(ordering: .relaxed) == HostThread.current }

  func enqueue(_ job: UnownedJob, isIsolated: Bool) {
    if isCurrent {
      unsafe ownJobs.append(Job(job: job, isIsolated: isIsolated))
      return
    }
    let mustWake = inbox.withLock { inbox in
      inbox.jobs.append(Job(job: job, isIsolated: isIsolated))
      return inbox.wakes()
    }
    if mustWake { wake() }
  }

  func attach(_ guest: any ReactorGuest) {
    let mustWake = inbox.withLock { inbox in
      inbox.guest = guest
      return inbox.wakes()
    }
    if mustWake { wake() }
  }

  func nudge() {
    let mustWake = inbox.withLock { inbox in
      inbox.isNudged = true
      return inbox.wakes()
    }
    if mustWake { wake() }
  }

  func stop() {
    let mustWake = inbox.withLock { inbox in
      inbox.isStopping = true
      return inbox.wakes()
    }
    if mustWake { wake() }
  }

  /// Signalling fails only when the descriptor is closed, and then nobody sleeps on it.
  private func wake() { try? wakeUp.signal() }

  // MARK: On the thread

  /// Takes turns until it is stopped and no guest is left.
  ///
  /// - Parameters: who the jobs are to know as their executors; neither is kept alive.
  func run(_ serialExecutor: UnownedSerialExecutor, _ taskExecutor: UnownedTaskExecutor) {
    guard var poller = poller.withLock({ $0.take() }) else { return }
    thread.store(HostThread.current, ordering: .relaxed)
    defer { thread.store(0, ordering: .relaxed) }
    var guest: (any ReactorGuest)?
    var batch: [Job] = []
    while true {
      guest?.takeInput()
      for _ in 0..<Self.batchesPerTurn {
        unsafe swap(&ownJobs, &batch)
        let found = inbox.withLock { $0.take(&batch) }
        if let newGuest = found.guest {
          guest = newGuest
          newGuest.watch(with: &poller)
          // What came before now was nudged about before now.
          newGuest.takeInput()
        }
        if batch.isEmpty {
          if found.isStopping && guest == nil { return }
          break
        }
        for entry in batch {
          if entry.isIsolated {
            unsafe entry.job.runSynchronously(
              isolatedTo: serialExecutor, taskExecutor: taskExecutor)
          } else {
            unsafe entry.job.runSynchronously(on: taskExecutor)
          }
        }
        batch.removeAll(keepingCapacity: true)
      }
      switch guest?.giveOutput(with: &poller) {
      case .busy: break
      case .idle(let deadline): wait(with: &poller, until: deadline, guest)
      case .finished: guest = nil
      case nil: wait(with: &poller, until: nil, nil)
      }
    }
  }

  /// Sleeps until `deadline`, or until there is something to do. Where there is already, it still
  /// looks for events that the guest hears of in no other way.
  private func wait(
    with poller: inout EpollPoller, until deadline: Instant?, _ guest: (any ReactorGuest)?
  ) {
    let hasOwnJobs = unsafe !ownJobs.isEmpty
    if let virtualTime, let deadline {
      let isIdle = inbox.withLock { inbox in
        defer { inbox.isNudged = false }
        return inbox.isEmpty && !hasOwnJobs
      }
      if isIdle { virtualTime.advance(to: deadline) }
      return
    }
    let maySleep = inbox.withLock { inbox in
      inbox.isSleeping = inbox.isEmpty && !hasOwnJobs
      // The turn that follows sees everything that the nudge was about.
      inbox.isNudged = false
      return inbox.isSleeping
    }
    guard maySleep || guest?.livesOnEvents ?? true else { return }
    let limit = maySleep ? deadline?.since(HostClock.now()) : .zero
    let hasEvents = guest?.sleep(atMost: limit)
    if hasEvents == nil { _ = try? poller.wait(atMost: limit) }
    // A guest that came meanwhile may have had descriptors watched already: what is reported of
    // them is reported once.
    let newGuest = inbox.withLock { inbox in
      inbox.isSleeping = false
      inbox.isNudged = false
      return inbox.guest
    }
    if let hasEvents {
      guard hasEvents else { return }
      _ = try? poller.wait(atMost: .zero)
    }
    while let event = poller.nextEvent() {
      if event.token == 0 {
        _ = try? wakeUp.clear()
      } else {
        (guest ?? newGuest)?.note(event)
      }
    }
  }
}

extension ReactorLoop.Inbox {
  /// Whether whoever just left something must wake the thread.
  fileprivate mutating func wakes() -> Bool {
    defer { isSleeping = false }
    return isSleeping
  }

  /// Moves the jobs to the end of `batch`, and the guest out.
  fileprivate mutating func take(
    _ batch: inout [ReactorLoop.Job]
  ) -> (guest: (any ReactorGuest)?, isStopping: Bool) {
    if !jobs.isEmpty {
      batch.append(contentsOf: jobs)
      jobs.removeAll(keepingCapacity: true)
    }
    return (guest.take(), isStopping)
  }
}
