import CoreMetrics
import ProtocolStack
import Sockets

/// A node's counters in the words of a metrics system, which wants to know what has been added, and
/// what stands at the moment.
struct NodeReport {
  /// The dimensions that all have.
  private let common: [(String, String)]
  private let factory: any MetricsFactory
  /// By their labels and dimensions, made when there is something to tell.
  private var counters: [Name: Counter] = [:]
  private var meters: [Name: Meter] = [:]
  /// What was told already.
  private var told: [Name: UInt64] = [:]

  private struct Name: Hashable {
    let label: String
    let dimension: String
    let value: String
  }

  init(_ common: [(String, String)], _ factory: any MetricsFactory) {
    self.common = common
    self.factory = factory
  }

  mutating func add(
    _ counts: (stack: StackCounters, tcp: TCPCounters), _ table: SocketTable
  ) {
    let (stack, tcp) = counts
    count("sockets_packets", "direction", "in", stack.packetsReceived)
    count("sockets_packets", "direction", "out", stack.packetsSent)
    count("sockets_bytes", "direction", "in", stack.bytesReceived)
    count("sockets_bytes", "direction", "out", stack.bytesSent)
    count("sockets_datagrams", "direction", "in", stack.datagramsReceived)
    count("sockets_datagrams", "direction", "out", stack.datagramsSent)
    count("sockets_tcp_segments", "direction", "in", tcp.segmentsReceived)
    count("sockets_tcp_segments", "direction", "out", tcp.segmentsSent)
    count("sockets_tcp_resets", "direction", "in", tcp.resetsReceived)
    count("sockets_tcp_resets", "direction", "out", tcp.resetsSent)
    count("sockets_tcp_retransmissions", "", "", tcp.retransmissions)
    count("sockets_tcp_opened", "side", "client", tcp.connectionsOpened)
    count("sockets_tcp_opened", "side", "server", tcp.connectionsAccepted)
    for entry in DropSummary(stack, tcp).entries {
      count("sockets_packets_dropped", "reason", entry.reason, entry.count)
    }
    for state in TCPConnection.State.allCases {
      set("sockets_tcp_connections", "state", state.rawValue, table.connections[state] ?? 0)
    }
    set("sockets_open", "kind", "listener", table.listeners)
    set("sockets_open", "kind", "udp", table.datagramSockets)
    set("sockets_open", "kind", "echo", table.echoSockets)
  }

  mutating func add(_ counts: HostNode.Counts) {
    count("sockets_tcp_opened", "side", "client", counts.opened)
    count("sockets_tcp_opened", "side", "server", counts.accepted)
    count("sockets_tcp_failed", "", "", counts.failed)
    count("sockets_tcp_closed", "", "", counts.closed)
    count("sockets_accept_pauses", "", "", counts.acceptPauses)
    set("sockets_open", "kind", "connection", Int(clamping: counts.open))
  }

  private mutating func count(
    _ label: String, _ dimension: String, _ value: String, _ total: UInt64
  ) {
    let name = Name(label: label, dimension: dimension, value: value)
    let news = total &- (told[name] ?? 0)
    // A counter that stands at zero is told of once, so that it can be found.
    guard news > 0 || told[name] == nil else { return }
    told[name] = total
    let counter =
      counters[name]
      ?? Counter(label: label, dimensions: dimensions(name), factory: factory)
    counters[name] = counter
    counter.increment(by: Int64(clamping: news))
  }

  private mutating func set(
    _ label: String, _ dimension: String, _ value: String, _ number: Int
  ) {
    let name = Name(label: label, dimension: dimension, value: value)
    let meter =
      meters[name] ?? Meter(label: label, dimensions: dimensions(name), factory: factory)
    meters[name] = meter
    meter.set(number)
  }

  private func dimensions(_ name: Name) -> [(String, String)] {
    common + (name.dimension.isEmpty ? [] : [(name.dimension, name.value)])
  }
}
