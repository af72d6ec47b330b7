import Foundation
import Testing

/// The tests that make network devices run only inside a network namespace of their own, which
/// `Scripts/root-tests` provides.
enum RootTests {
  static let reason: Comment = "needs root in a fresh network namespace: run Scripts/root-tests"

  static let areEnabled: Bool = {
    let environment = ProcessInfo.processInfo.environment
    guard environment["SOCKETS_ROOT_TESTS"] == "1", geteuid() == 0 else { return false }
    // Never in the network the tests were started from, whatever else the environment says.
    guard let outside = environment["SOCKETS_OUTER_NETWORK"], outside.hasPrefix("net:"),
      let ours = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
    else { return false }
    return ours != outside
  }()
}
