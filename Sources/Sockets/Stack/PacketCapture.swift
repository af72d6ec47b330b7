package import Packets

/// Sees every packet that passes a node's links, whole and as it is on the link.
///
/// Called on the node's thread: what takes long keeps the packets waiting.
package protocol PacketCapture: AnyObject, Sendable {
  /// - Parameters:
  ///   - port: which of the node's links, from zero.
  ///   - isOutgoing: sent by the node; otherwise received.
  func record(_ packet: borrowing Packet, port: Int, isOutgoing: Bool, at now: Instant)
}
