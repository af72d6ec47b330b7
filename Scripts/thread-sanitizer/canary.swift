// Two threads that add to one number: with `race` unguarded, with `mutex` under a lock that they
// contend for. ThreadSanitizer must see the difference.
import Dispatch
import Synchronization

final class Guarded: Sendable {
  let count = Mutex(0)
}

final class Unguarded: @unchecked Sendable {
  var count = 0
}

@main
enum Canary {
  static func main() {
    let guarded = Guarded()
    let unguarded = Unguarded()
    let races = CommandLine.arguments.last == "race"
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<50_000 {
        if races {
          unguarded.count &+= 1
        } else {
          guarded.count.withLock { $0 &+= 1 }
        }
      }
    }
    print(races ? unguarded.count : guarded.count.withLock { $0 })
  }
}
