import BerkeleyCases
import Foundation
import Testing

extension ClassicCalls {
  /// Against Linux itself.
  @Suite
  struct TunnelTests {
    /// As for the other tests that make devices: never in the network they were started from.
    static let areEnabled: Bool = {
      let environment = ProcessInfo.processInfo.environment
      guard environment["SOCKETS_ROOT_TESTS"] == "1", geteuid() == 0,
        let outside = environment["SOCKETS_OUTER_NETWORK"], outside.hasPrefix("net:"),
        let ours = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
      else { return false }
      return ours != outside
    }()

    @Test(
      "Linux and we connect to one another over a TUN device, both ways, and resets arrive",
      .enabled(if: areEnabled, "needs root and a network namespace: Scripts/root-tests"))
    func tunnel() {
      let complaint = unsafe String(cString: run_tunnel())
      #expect(complaint == "")
    }
  }
}
