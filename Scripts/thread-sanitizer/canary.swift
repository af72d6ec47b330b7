// What ThreadSanitizer must tell apart: with `race`, threads that add to one number unguarded; with
// `mutex`, under a lock that they contend for; with `continuation`, a task and the thread that
// resumes it before it has come to wait.
import Dispatch
import Synchronization

final class Guarded: Sendable {
  let count = Mutex(0)
}

final class Unguarded: @unchecked Sendable {
  var count = 0
  let isResumed = Atomic(false)
}

@main
enum Canary {
  static func main() async {
    switch CommandLine.arguments.last {
    case "race": race()
    case "mutex": mutex()
    default: for _ in 0..<100 { await continuation() }
    }
  }

  static func race() {
    let unguarded = Unguarded()
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<50_000 { unguarded.count &+= 1 }
    }
    print(unguarded.count)
  }

  static func mutex() {
    let guarded = Guarded()
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<50_000 { guarded.count.withLock { $0 &+= 1 } }
    }
    print(guarded.count.withLock { $0 })
  }

  /// The flag keeps the two in this order and, relaxed, tells ThreadSanitizer nothing.
  static func continuation() async {
    let unguarded = Unguarded()
    await withUnsafeContinuation { continuation in
      DispatchQueue.global().async {
        unguarded.count += 1
        continuation.resume()
        unguarded.isResumed.store(true, ordering: .relaxed)
      }
      while !unguarded.isResumed.load(ordering: .relaxed) {}
    }
    unguarded.count += 1
  }
}
