import Sockets
import Synchronization
import Testing

@Suite("The first of several outcomes", .timeLimit(.minutes(2)))
struct FirstOutcomeTests {
  @Test("is there for who comes later, and the others are dropped")
  func early() async {
    let outcome = FirstOutcome<Int>()
    #expect(!outcome.isGiven)
    outcome.give(1)
    #expect(outcome.isGiven)
    outcome.give(2)
    let begun = Mutex(false)
    #expect(await outcome.value(ifCancelled: 3) { begun.withLock { $0 = true } } == 1)
    #expect(begun.withLock { $0 })
  }

  @Test("is what the work gives first, before it is back or after")
  func work() async {
    let outcome = FirstOutcome<Int>()
    let value = await outcome.value(ifCancelled: 0) {
      outcome.give(1)
      outcome.give(2)
    }
    #expect(value == 1)
    let later = FirstOutcome<Int>()
    #expect(await later.value(ifCancelled: 0) { Task { later.give(7) } } == 7)
  }

  @Test("is the cancellation where nothing else comes, before the wait or during it")
  func cancellation() async {
    let waiting = FirstOutcome<Int>()
    let begun = FirstOutcome<Void>()
    let task = Task { await waiting.value(ifCancelled: -1) { begun.give(()) } }
    await begun.value(ifCancelled: ()) {}
    task.cancel()
    #expect(await task.value == -1)
    let early = FirstOutcome<Int>()
    let value = await withTaskGroup(of: Int.self) { group in
      group.cancelAll()
      group.addTask { await early.value(ifCancelled: -1) {} }
      return await group.next()
    }
    #expect(value == -1)
  }

  @Test("is one of those that race, once, however many there are")
  func races() async {
    for round in 0..<500 {
      let outcome = FirstOutcome<Int>()
      let waiting = Task {
        await outcome.value(ifCancelled: -1) {
          for number in 0..<4 { Task { outcome.give(number) } }
        }
      }
      Task { outcome.give(4) }
      if round.isMultiple(of: 2) { waiting.cancel() }
      let first = await waiting.value
      #expect((-1...4).contains(first))
      if !round.isMultiple(of: 2) { #expect(first >= 0) }
      // What it came to is what it stays at.
      outcome.give(9)
      #expect(outcome.isGiven)
    }
  }
}
