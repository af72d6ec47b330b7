import Addresses
import Sockets
import Testing
import sock

@Suite("The table of the kernel's sockets")
struct TableTests {
  private static let tcp = """
      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout
       0: 0100007F:0016 00000000:0000 0A 00000080:00000002 00:00000000 00000000  1000 0 1455
       1: 0100007F:890A 010200C0:01BB 01 00000010:00000003 00:00000000 00000000     0        0 77 3
    garbage
      2: 0100007F 00000000:0000 0A 0:0 00:0 0 0 0 1 1
    """

  @Test("is read from the kernel's text, and nothing from what is none")
  func rows() throws {
    let rows = KernelSocketRow.rows(Self.tcp, .tcp)
    #expect(rows.map(\.local.description) == ["127.0.0.1:22", "127.0.0.1:35082"])
    #expect(rows.map(\.remote.description) == ["0.0.0.0:0", "192.0.2.1:443"])
    #expect(rows.map(\.state) == ["LISTEN", "ESTAB"])
    #expect(rows.map(\.sendQueue) == [128, 16])
    #expect(rows.map(\.receiveQueue) == [2, 3])
    #expect(rows.map(\.user) == [1_000, 0])
    #expect(rows.map(\.inode) == [1_455, 77])
    #expect(rows.map(\.isListening) == [true, false])
  }

  @Test("has IPv6 addresses in words of four octets")
  func ipv6() throws {
    let line = """
       1: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 07 \
      00000000:00000000 00:00000000 00000000 0 0 5 2
      """
    let row = try #require(KernelSocketRow(line[...], .udp6))
    #expect(row.local.description == "[2001:db8::1]:53")
    #expect(row.state == "UNCONN")
  }

  @Test("is read to its end, however long it is")
  func longText() async throws {
    let node = HostNode()
    var sockets: [UDPSocket] = []
    for _ in 0..<200 { sockets.append(try await node.bind("udp://127.0.0.1:0")) }
    let rows = KernelSocketRow.rows(try #require(KernelText.read("/proc/net/udp")), .udp)
    #expect(Set(rows.map(\.local)).isSuperset(of: sockets.map(\.local.socketAddress)))
    #expect(KernelText.read("/proc/net/nothing") == nil)
  }

  @Test("stands in columns")
  func columns() {
    let lines = TableText.lines(KernelSocketRow.rows(Self.tcp, .tcp).map { TableRow($0) })
    #expect(
      lines == [
        "Netid  State   Recv-Q  Send-Q  Local            Peer           User  Inode  Stack",
        "tcp    LISTEN  2       128     127.0.0.1:22     *              1000  1455   host",
        "tcp    ESTAB   3       16      127.0.0.1:35082  192.0.2.1:443  0     77     host",
      ])
  }
}
