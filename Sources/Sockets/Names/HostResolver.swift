public import Addresses
import DequeModule
import Host
import Synchronization

/// Asks this machine for addresses, by whatever it is set up to ask: files, name servers, other
/// services (`getaddrinfo`).
///
/// The machine's call blocks, so it is made on threads of its own, of which there are few: beyond
/// them calls wait for one another. A cancelled or late call returns at once; the machine's goes on
/// behind it to its own end.
public struct HostResolver: NameResolver {
  public init() {}

  public func addresses(
    of name: String, timeout: Duration?
  ) async throws(SocketError) -> [SocketAddress] {
    let answer = FirstOutcome<Outcome>()
    let result = await withTaskGroup(of: Void.self) { group in
      if let timeout {
        group.addTask {
          if (try? await Task.sleep(for: timeout)) != nil {
            answer.give(.failure(.deadlineExceeded))
          }
        }
      }
      let result = await answer.value(ifCancelled: .failure(.cancelled)) {
        BlockingThreads.run {
          if answer.isGiven { return }
          answer.give(Self.lookUp(name))
        }
      }
      group.cancelAll()
      return result
    }
    do {
      return try result.get()
    } catch {
      throw SocketError(.resolve(name), reason: error)
    }
  }

  private typealias Outcome = Result<[SocketAddress], SocketError.Reason>

  private static func lookUp(_ name: String) -> Outcome {
    do throws(HostNameLookup.Failure) {
      return .success(try HostNameLookup.addresses(of: name))
    } catch {
      return switch error {
      case .notFound: .failure(.nameNotFound)
      case .noData: .failure(.nameHasNoData)
      case .failed(let complaint): .failure(.nameServerFailure(complaint))
      }
    }
  }
}

/// A few threads for calls that block.
private enum BlockingThreads {
  private static let limit = 8
  private static let state = Mutex((waiting: Deque<@Sendable () -> Void>(), threads: 0))

  /// Runs `work` on one of them, after what waits already. Where the system gives no thread at all,
  /// the work is done here.
  static func run(_ work: @escaping @Sendable () -> Void) {
    let isNew = state.withLock { state in
      state.waiting.append(work)
      guard state.threads < limit else { return false }
      state.threads += 1
      return true
    }
    guard isNew else { return }
    do {
      try HostThread.start(name: "names") { drain() }
    } catch {
      drain()
    }
  }

  private static func drain() {
    while true {
      let next = state.withLock { state -> (@Sendable () -> Void)? in
        if let next = state.waiting.popFirst() { return next }
        state.threads -= 1
        return nil
      }
      guard let next else { return }
      next()
    }
  }
}
