import Berkeley
import BerkeleyCases
import Testing

extension ClassicCalls {
  /// Two nodes, a cable, and threads that block.
  @Suite
  struct PairTests {
    @Test("megabytes pass between blocking threads, and arrive as they were sent")
    func stream() {
      let complaint = unsafe text(run_stream(8 << 20))
      #expect(complaint == "")
    }

    @Test("many threads talk over many connections at one time")
    func threads() {
      let complaint = unsafe text(run_threads(16, 50))
      #expect(complaint == "")
    }

    @Test("a connection to a port where nobody listens is refused, on both IP versions")
    func refused() {
      let complaint = unsafe text(run_refused())
      #expect(complaint == "")
    }

    @Test("closing waits for what lingers")
    func lingering() {
      let complaint = unsafe text(run_linger())
      #expect(complaint == "")
    }

    @Test("a listener that defers gives a connection out when data has come")
    func deferral() {
      let complaint = unsafe text(run_deferral())
      #expect(complaint == "")
    }

    @Test("closing a socket ends the calls that wait on it")
    func closing() {
      let complaint = unsafe text(run_close_while_waiting())
      #expect(complaint == "")
    }

    @Test("a signal ends a wait with EINTR, unless calls are to be restarted")
    func signals() {
      let complaint = unsafe text(run_signals())
      #expect(complaint == "")
    }

    @Test("several datagrams pass in one call")
    func batches() {
      let complaint = unsafe text(run_batches())
      #expect(complaint == "")
    }

    @Test("addresses in figures become socket addresses, names do not")
    func names() {
      let complaint = unsafe text(run_names())
      #expect(complaint == "")
    }

    @Test("a socket hears the senders that it named, and no more those that it blocked")
    func groups() {
      let complaint = unsafe text(run_groups())
      #expect(complaint == "")
    }

    @Test("raw sockets send and hear whole packets, of IPv4 with the header, and ping by hand")
    func rawPackets() {
      let complaint = unsafe text(run_raw())
      #expect(complaint == "")
    }

    /// What the other side of the seam complains of; empty where all is well.
    private func text(_ complaint: UnsafePointer<CChar>) -> String {
      unsafe String(cString: complaint)
    }
  }
}
