import Host
import Packets
import SystemPackage
import Testing

@Suite("An epoll poller")
struct PollerTests {
  @Test("reports what is ready under its token, until it is no longer")
  func readable() throws {
    var poller = try EpollPoller()
    let wakeUp = try WakeUp()
    try poller.add(wakeUp.descriptor, interest: .readable, token: .max)
    #expect(try poller.wait(atMost: .zero) == 0)
    #expect(poller.nextEvent() == nil)
    try wakeUp.signal()
    for _ in 0..<2 {
      #expect(try poller.wait(atMost: nil) == 1)
      #expect(poller.nextEvent() == PollEvent(token: .max, readiness: .readable))
      #expect(poller.nextEvent() == nil)
    }
    #expect(try wakeUp.clear())
    #expect(try !wakeUp.clear())
    #expect(try poller.wait(atMost: .microseconds(1)) == 0)
  }

  @Test("reports an edge once")
  func edge() throws {
    var poller = try EpollPoller()
    let wakeUp = try WakeUp()
    try poller.add(wakeUp.descriptor, interest: [.readable, .edgeTriggered], token: 1)
    try wakeUp.signal()
    #expect(try poller.wait(atMost: .zero) == 1)
    #expect(try poller.wait(atMost: .zero) == 0)
    try wakeUp.signal()
    #expect(try poller.wait(atMost: .zero) == 1)
  }

  @Test("a change of interest replaces interest and token, a removal ends both")
  func modify() throws {
    var poller = try EpollPoller()
    let wakeUp = try WakeUp()
    try poller.add(wakeUp.descriptor, interest: .readable, token: 1)
    try poller.modify(wakeUp.descriptor, interest: [.readable, .writable], token: 2)
    #expect(try poller.wait(atMost: .zero) == 1)
    #expect(poller.nextEvent() == PollEvent(token: 2, readiness: .writable))
    try poller.remove(wakeUp.descriptor)
    #expect(try poller.wait(atMost: .zero) == 0)
    let error = #expect(throws: SystemError.self) { try poller.remove(wakeUp.descriptor) }
    #expect(error?.call == .changeInterest)
  }

  @Test("reports no more than its capacity at once, and the rest with the next wait")
  func capacity() throws {
    var poller = try EpollPoller(capacity: 1)
    let first = try WakeUp()
    let second = try WakeUp()
    try poller.add(first.descriptor, interest: [.writable, .edgeTriggered], token: 1)
    try poller.add(second.descriptor, interest: [.writable, .edgeTriggered], token: 2)
    var tokens: Set<UInt64> = []
    for _ in 0..<2 {
      #expect(try poller.wait(atMost: .zero) == 1)
      let event = poller.nextEvent()
      tokens.insert(try #require(event).token)
    }
    #expect(tokens == [1, 2])
  }

  @Test("a signal from another thread ends a wait without limit")
  func wakeUp() async throws {
    let wakeUp = try WakeUp()
    var poller = try EpollPoller()
    try poller.add(wakeUp.descriptor, interest: .readable, token: 7)
    let shared = SharedWakeUp(consume wakeUp)
    let signals = (0..<4).map { _ in Task.detached { try shared.wakeUp.signal() } }
    #expect(try poller.wait(atMost: nil) == 1)
    for signal in signals { try await signal.value }
    #expect(try shared.wakeUp.clear())
    #expect(try !shared.wakeUp.clear())
  }

  private final class SharedWakeUp: Sendable {
    let wakeUp: WakeUp
    init(_ wakeUp: consuming WakeUp) { self.wakeUp = wakeUp }
  }

  @Test("a descriptor is closed by close, and by its owner letting go", arguments: [true, false])
  func close(explicitly: Bool) throws {
    let (readEnd, writeEnd) = try FileDescriptor.pipe()
    let reader = Descriptor(owning: readEnd)
    var poller = try EpollPoller()
    try poller.add(reader, interest: .readable, token: 3)
    do {
      let writer = Descriptor(owning: writeEnd)
      #expect(try poller.wait(atMost: .zero) == 0)
      #expect(writer.fileDescriptor == writeEnd)
      if explicitly { try writer.close() }
    }
    #expect(try poller.wait(atMost: .zero) == 1)
    #expect(poller.nextEvent()?.readiness == .hungUp)
  }

  @Test("the clock never runs backwards")
  func clock() {
    var last = HostClock.now()
    for _ in 0..<1000 {
      let now = HostClock.now()
      #expect(now >= last)
      last = now
    }
    #expect(last > .zero)
  }

  @Test("random bytes fill what they are asked to, and differ")
  func random() throws {
    var bytes = [UInt8](repeating: 0, count: 4096)
    var span = bytes.mutableSpan
    try HostRandom.fill(&span)
    // Each value is missing with a chance of one in nine million.
    #expect(Set(bytes).count > 250)
    #expect(Set(bytes.suffix(1024)).count > 200)
    #expect(try HostRandom.uint64() != HostRandom.uint64())
  }
}
