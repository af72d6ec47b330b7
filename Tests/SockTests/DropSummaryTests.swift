import ProtocolStack
import Sockets
import Testing

@Suite("A summary of drops")
struct DropSummaryTests {
  @Test("names what happened and nothing else")
  func entries() {
    var stack = StackCounters()
    var tcp = TCPCounters()
    #expect(DropSummary(stack, tcp).description == "nothing")
    stack.packetsReceived = 10
    stack.foreignDestinations = 3
    tcp.resetsSent = 1
    #expect(DropSummary(stack, tcp).description == "3 for another host, 1 TCP reset sent")
  }
}
