import ArgumentParser
import Packets
import ProtocolStack
import Sockets

/// Which world the verb's sockets live in, and how much it tells of itself.
struct NetworkOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The device to be a host on, and our addresses there; may be repeated.",
      discussion: """
        tun:NAME=ADDRESS/LENGTH[,ADDRESS/LENGTH...] carries IP packets, tap:... Ethernet frames. \
        The device is created where it does not stand; Linux's end gets the first free address of \
        each prefix. host, as without this option: this machine's own network.
        """,
      valueName: "network"),
    transform: { try NetworkChoice(parsing: $0) })
  var network: [NetworkChoice] = []

  @Flag(
    name: .customLong("no-offload"),
    help: "Checksum and cut every packet ourselves, as on a real wire.")
  var withoutOffload = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Write every packet to this file (pcapng, for Wireshark or sock dump).", valueName: "file"))
  var pcap: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "How to hear from this machine's own network: automatic, epoll or io_uring.",
      valueName: "engine"),
    transform: { text in
      guard let engine = HostNode.Engine(rawValue: text) else {
        throw ValidationError("\"\(text)\" is none of automatic, epoll and io_uring")
      }
      return engine
    })
  var engine = HostNode.Engine.automatic

  @OptionGroup var logging: LogOptions

  func validate() throws {
    let attachments = network.compactMap(\.attachment)
    if attachments.count < network.count, network.count > 1 {
      throw ValidationError("--network host goes with no other network")
    }
    if !attachments.isEmpty, engine != .automatic {
      throw ValidationError("--engine is about this machine's own network, not about devices")
    }
    if attachments.isEmpty, pcap != nil || withoutOffload {
      throw ValidationError(
        """
        --pcap and --no-offload are for packets of our own: give a device, for example \
        --network tun:sock0=10.7.0.2/24,fd07::2/64
        """)
    }
  }

  /// Opens the devices, if any.
  func open() async throws -> OpenNetwork {
    let logger = logging.makeLogger()
    let attachments = network.compactMap { choice in
      choice.attachment.map { attachment in
        var attachment = attachment
        attachment.offload = !withoutOffload
        return attachment
      }
    }
    if attachments.isEmpty { return .machine(HostNode(engine: engine, logger: logger)) }
    let capture = try pcap.map { path in
      try CaptureFile(
        path: path,
        interfaces: attachments.map { ($0.name, $0.kind == .tun ? .ip : .ethernet) })
    }
    let node = try await StackNode(
      attachments, configuration: .init(), capture: capture, logger: logger)
    let devices = attachments.map { "\($0.kind == .tun ? "tun" : "tap"):\($0.name)" }
    return .stack(node, StackDoor.open(to: node, devices: devices, logger: logger))
  }
}
