import Foundation
import Host
import Packets
import Sockets
import Synchronization

/// Writes a node's packets to a pcapng file. The blocks gather in memory and are written some
/// hundred kilobytes at a time, and when the file is let go.
final class CaptureFile: PacketCapture {
  private struct Gathering {
    var writer: PcapngWriter
    var bytes = 0
  }

  private let gathering: Mutex<Gathering>
  private let file: HostFile
  /// From the stack's clock to nanoseconds since 1970.
  private let epoch: Int64

  private static var bytesAtOnce: Int { 256 << 10 }

  /// - Parameter interfaces: the node's links in their order.
  init(path: String, interfaces: [(name: String, linkType: LinkType)]) throws(SystemError) {
    var writer = PcapngWriter(application: "sock")
    for interface in interfaces {
      _ = writer.addInterface(name: interface.name, linkType: interface.linkType)
    }
    gathering = Mutex(Gathering(writer: writer))
    file = try HostFile(writing: path)
    let sinceEpoch = Int64(Date().timeIntervalSince1970 * 1_000_000_000)
    epoch = sinceEpoch - HostClock.now().nanoseconds
  }

  deinit { flush() }

  func record(_ packet: borrowing Packet, port: Int, isOutgoing: Bool, at now: Instant) {
    let time = now + Interval(nanoseconds: epoch)
    let full = gathering.withLock { gathering -> [UInt8]? in
      gathering.writer.add(
        packet.bytes, interface: UInt32(truncatingIfNeeded: port), at: time,
        direction: isOutgoing ? .outbound : .inbound)
      gathering.bytes += packet.count
      guard gathering.bytes >= Self.bytesAtOnce else { return nil }
      gathering.bytes = 0
      return gathering.writer.take()
    }
    if let full { write(full) }
  }

  /// Writes what has gathered.
  func flush() { write(gathering.withLock { $0.writer.take() }) }

  /// A full disk must not stop the packets: what cannot be written is left out.
  private func write(_ bytes: [UInt8]) { try? file.write(bytes.span) }
}
