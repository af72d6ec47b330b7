import Packets

/// Writes down what is sent into a wire, before any fault strikes, for Wireshark and `sock dump`.
struct Capture {
  /// Bytes that gather before they are handed on.
  private static var batch: Int { 1 << 18 }

  let wire: Int
  private var writer: PcapngWriter
  private let interface: UInt32
  private let sink: ([UInt8]) -> Void
  private var pending = 0

  init(wire: Int, linkType: LinkType, sink: @escaping ([UInt8]) -> Void) {
    self.wire = wire
    self.sink = sink
    writer = PcapngWriter(application: "sock")
    interface = writer.addInterface(name: "wire\(wire)", linkType: linkType)
  }

  mutating func write(_ packet: borrowing Packet, at now: Instant) {
    writer.add(packet.bytes, interface: interface, at: now)
    pending += packet.count
    if pending >= Self.batch { flush() }
  }

  mutating func flush() {
    pending = 0
    let bytes = writer.take()
    if !bytes.isEmpty { sink(bytes) }
  }
}

extension World {
  /// Hands on, as blocks of a pcapng file, every packet that is sent into a wire from now on.
  ///
  /// - Parameter sink: gets the file's bytes piece by piece; the last ones with
  ///   ``finishCaptures()``.
  public mutating func capture(wire: Int, into sink: @escaping ([UInt8]) -> Void) {
    let isEthernet = wires[wire].ends.contains { $0.abilities.linkHeaderSize > 0 }
    captures.append(Capture(wire: wire, linkType: isEthernet ? .ethernet : .ip, sink: sink))
  }

  /// Hands on what captures still hold.
  public mutating func finishCaptures() {
    for index in captures.indices { captures[index].flush() }
  }
}
