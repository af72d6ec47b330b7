import Foundation
import Testing
import sock

@Suite("Signals", .timeLimit(.minutes(1)))
struct SignalsTests {
  @Test("are heard from the moment on that the stream is there")
  func fromTheFirst() async {
    for _ in 0..<50 {
      var signals = await Signals.stream(SIGUSR2).makeAsyncIterator()
      kill(getpid(), SIGUSR2)
      #expect(await signals.next() == SIGUSR2)
    }
  }
}
