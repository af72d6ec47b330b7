import Sockets
import Synchronization
import Testing

@Suite("The tasks of a server's handlers", .timeLimit(.minutes(1)))
struct HandlerTasksTests {
  @Test("end in any order, and leave their places to others")
  func anyOrder() async {
    let tasks = HandlerTasks()
    let most = Mutex(0)
    for round in 0..<5 {
      var gates: [AsyncStream<Never>.Continuation] = []
      for _ in 0..<200 {
        let (stream, gate) = AsyncStream.makeStream(of: Never.self)
        gates.append(gate)
        tasks.begin { place in
          most.withLock { $0 = max($0, place + 1) }
          return Task {
            for await _ in stream {}
            tasks.end(place)
          }
        }
      }
      #expect(tasks.count == 200)
      // Every third first, then the others backwards.
      for index in gates.indices where index % 3 == round % 3 { gates[index].finish() }
      await tasks.wait(untilFewerThan: 200 - 60)
      #expect(tasks.count < 140)
      for gate in gates.reversed() { gate.finish() }
      await tasks.wait(untilFewerThan: 1)
      #expect(tasks.count == 0)
    }
    #expect(most.withLock { $0 } == 200)
  }

  @Test("may end before they are known")
  func endsEarly() async {
    let tasks = HandlerTasks()
    for _ in 0..<10 {
      tasks.begin { place in
        tasks.end(place)
        return Task {}
      }
      #expect(tasks.count == 0)
    }
    await tasks.wait(untilFewerThan: 1)
  }

  @Test("are cancelled all together, those that begin later too")
  func cancellation() async {
    let tasks = HandlerTasks()
    for isLate in [false, true] {
      if isLate { tasks.cancelAll() }
      for _ in 0..<50 {
        tasks.begin { place in
          Task {
            await Self.waitUntilCancelled()
            tasks.end(place)
          }
        }
      }
    }
    await tasks.wait(untilFewerThan: 1)
    #expect(tasks.count == 0)
  }

  private static func waitUntilCancelled() async {
    let (nothing, end) = AsyncStream.makeStream(of: Never.self)
    for await _ in nothing {}
    end.finish()
  }
}
