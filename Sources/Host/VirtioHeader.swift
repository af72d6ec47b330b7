import CLinux
import Packets

/// The translation between the facts a ``Packet`` carries and the header the kernel puts in front
/// of every packet of a queue with IFF_VNET_HDR.
///
/// ```
/// flags | segmentation | header length | segment size | checksum start | checksum offset | buffers
///   1         1               2               2               2                2             2
/// ```
extension Offload {
  /// Facts about a packet of `count` bytes the kernel gave us. What does not fit the packet is
  /// dropped: the packet then counts as whole and its checksum as unknown.
  @inline(__always)
  init(_ header: borrowing clinux_virtio_header, count: Int) {
    self.init()
    let flags = Int(header.flags)
    if flags & CLINUX_VIRTIO_NEEDS_CHECKSUM != 0 {
      let field = Int(header.checksum_start) &+ Int(header.checksum_offset)
      if field &+ 2 <= count {
        needsChecksum = true
        checksumIsValid = true  // It never left this machine.
        checksumStart = header.checksum_start
        checksumOffset = header.checksum_offset
      }
    }
    if flags & CLINUX_VIRTIO_DATA_VALID != 0 { checksumIsValid = true }
    guard header.segment_size > 0 else { return }
    switch Int(header.segmentation) & ~CLINUX_VIRTIO_SEGMENT_ECN {
    case CLINUX_VIRTIO_SEGMENT_TCP4: segmentation = .tcp4
    case CLINUX_VIRTIO_SEGMENT_TCP6: segmentation = .tcp6
    case CLINUX_VIRTIO_SEGMENT_UDP: segmentation = .udp
    default: return
    }
    segmentSize = header.segment_size
  }
}

extension clinux_virtio_header {
  /// The header that asks the kernel to finish `packet`.
  @inline(__always)
  init(for packet: borrowing Packet) {
    self.init()
    let offload = packet.offload
    if offload.needsChecksum {
      flags = UInt8(truncatingIfNeeded: CLINUX_VIRTIO_NEEDS_CHECKSUM)
      checksum_start = offload.checksumStart
      checksum_offset = offload.checksumOffset
    }
    let kind: Int
    let transportHeader: Int
    switch offload.segmentation {
    case .none:
      return
    case .tcp4, .tcp6:
      kind =
        offload.segmentation == .tcp4
        ? CLINUX_VIRTIO_SEGMENT_TCP4 : CLINUX_VIRTIO_SEGMENT_TCP6
      // The data offset of RFC 9293 §3.1: the header's length in 32-bit words.
      let words = packet.bytes.uint8(at: Int(offload.checksumStart) &+ 12) &>> 4
      transportHeader = Int(words) &* 4
    case .udp:
      kind = CLINUX_VIRTIO_SEGMENT_UDP
      transportHeader = 8
    }
    segmentation = UInt8(truncatingIfNeeded: kind)
    segment_size = offload.segmentSize
    header_length = UInt16(clamping: Int(offload.checksumStart) &+ transportHeader)
  }
}
