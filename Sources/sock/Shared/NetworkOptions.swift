import ArgumentParser
import Packets
import ProtocolStack
import Sockets

/// Which world the verb's sockets live in.
struct NetworkOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The device to be a host on, and our addresses there; may be repeated.",
      discussion: """
        tun:NAME=ADDRESS/LENGTH[,ADDRESS/LENGTH...] carries IP packets, tap:... Ethernet frames. \
        The device is created where it does not stand; Linux's end gets the first free address of \
        each prefix.
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

  func validate() throws {
    if network.isEmpty {
      throw ValidationError(
        "give a network with --network, for example --network tun:sock0=10.7.0.2/24,fd07::2/64")
    }
  }

  /// Opens the devices.
  func makeNode() async throws -> StackNode {
    let attachments = network.map { choice in
      var attachment = choice.attachment
      attachment.offload = !withoutOffload
      return attachment
    }
    let capture = try pcap.map { path in
      try CaptureFile(
        path: path,
        interfaces: attachments.map { ($0.name, $0.kind == .tun ? .ip : .ethernet) })
    }
    return try await StackNode(attachments, configuration: .init(), capture: capture)
  }
}
