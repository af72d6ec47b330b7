import Addresses
import CLinux
public import Packets
import SystemPackage

/// A link to this machine's own network: a queue of a TUN or TAP device, non-blocking.
///
/// ```
///   our stack                                      Linux
///   10.7.0.2  <- receive - [ sock0 queue ] <------ 10.7.0.1 ---- routes, sockets, the world
///             -- transmit >                 ----->
/// ```
///
/// Opening joins the device of that name, or creates it, in which case it disappears with its last
/// link. Linux's end is then brought to what the ``TunnelConfiguration`` asks; only what is missing
/// is changed, so that a device which root has prepared can be joined without privileges.
///
/// With offload, packets in both directions can be super-segments of up to 64 KiB whose checksum
/// is left to the other side; the facts are in ``Packet/offload``. Nothing is copied but between
/// the kernel and the packet, nothing is allocated per packet.
public struct TunnelLink: ~Copyable, Sendable {
  /// The queue, for a ``Poller``.
  public let descriptor: Descriptor
  /// The device's name, any pattern filled in.
  public let name: String
  /// As the device stood when it was opened.
  public let abilities: LinkAbilities
  /// Whether the device was created here, and goes when its last link closes.
  public let isNewDevice: Bool
  private let configuration: TunnelConfiguration

  /// Opens the device and configures Linux's end of it. Blocks for a few system calls.
  ///
  /// - Throws: a ``SystemError`` whose description says what to do.
  public init(_ configuration: TunnelConfiguration) throws(SystemError) {
    let isNewDevice = !HostInterface.exists(named: configuration.name)
    var name = configuration.name
    let descriptor = try Self.attach(configuration, name: &name)
    let interface = try HostInterface(named: name)
    try interface.configure(for: configuration, isNew: isNewDevice)
    try self.init(
      descriptor: descriptor, name: name, configuration: configuration, isNewDevice: isNewDevice,
      mtu: interface.state().mtu)
  }

  private init(
    descriptor: consuming Descriptor, name: String, configuration: TunnelConfiguration,
    isNewDevice: Bool, mtu: Int
  ) throws(SystemError) {
    let framing: LinkAbilities.Framing
    var kept = configuration
    kept.name = name
    switch configuration.mode {
    case .tun:
      framing = .ip
    case .tap(let wish):
      let station = if let wish { wish } else { try EthernetAddress.randomLocallyAdministered() }
      kept.mode = .tap(station)
      framing = .ethernet(station)
    }
    self.descriptor = descriptor
    self.name = name
    self.isNewDevice = isNewDevice
    self.configuration = kept
    abilities = LinkAbilities(
      mtu: mtu, checksumOffload: configuration.offload,
      segmentationOffload: configuration.offload ? 65_535 : 0,
      receiveCoalescing: configuration.offload, framing: framing)
  }

  /// Opens one more queue of the same device; the kernel keeps each flow on one queue.
  ///
  /// - Throws: `EINVAL` unless ``TunnelConfiguration/multipleQueues`` was asked for.
  public func openQueue() throws(SystemError) -> TunnelLink {
    guard configuration.multipleQueues else {
      throw SystemError(.invalidArgument, .attachTunnel, subject: name)
    }
    var name = name
    let descriptor = try Self.attach(configuration, name: &name)
    return try TunnelLink(
      descriptor: descriptor, name: name, configuration: configuration, isNewDevice: isNewDevice,
      mtu: abilities.mtu)
  }

  /// Closes the queue now, and with the last queue a device that was created here.
  public consuming func close() throws(SystemError) {
    try descriptor.close()
  }

  /// The capacity of a packet that can take in whatever this link delivers, in bytes.
  public var packetCapacity: Int {
    let largest = abilities.receiveCoalescing ? max(65_535, abilities.mtu) : abilities.mtu
    // An Ethernet frame may carry a VLAN tag besides.
    let linkHeader = abilities.linkHeaderSize == 0 ? 0 : abilities.linkHeaderSize + 4
    return Packet.defaultHeadroom + linkHeader + largest
  }

  /// Reads the next packet into `packet`, whose content and facts it replaces, behind the default
  /// headroom. One system call.
  ///
  /// - Returns: false when none is waiting; `packet` is then empty.
  /// - Throws: see ``SystemError/linkFault``; `EMSGSIZE` when the packet was larger than the room
  ///   (see ``packetCapacity``), and lost.
  public mutating func receive(into packet: inout Packet) throws(SystemError) -> Bool {
    packet.reset()
    _ = packet.extend(packet.tailroom)
    var header = clinux_virtio_header()
    var bytes = packet.mutableBytes
    do {
      let count = try Syscalls.readPacket(
        descriptor.fileDescriptor, header: &header, hasHeader: configuration.offload, into: &bytes)
      packet.truncate(to: count ?? 0)
      guard let count else { return false }
      if configuration.offload { packet.offload = Offload(header, count: count) }
      return true
    } catch {
      packet.truncate(to: 0)
      throw error
    }
  }

  /// Writes `packet`. One system call.
  ///
  /// - Returns: false when the device takes no more just now; keep the packet and try again when
  ///   ``descriptor`` is writable.
  /// - Throws: see ``SystemError/linkFault``; `EINVAL` where the packet leaves work to a link
  ///   without offload.
  public func transmit(_ packet: borrowing Packet) throws(SystemError) -> Bool {
    var header = clinux_virtio_header()
    if configuration.offload {
      header = clinux_virtio_header(for: packet)
    } else if packet.offload.needsChecksum || packet.offload.segmentation != .none {
      throw SystemError(.invalidArgument, .writePacket)
    }
    return try Syscalls.writePacket(
      descriptor.fileDescriptor, header: &header, hasHeader: configuration.offload, packet.bytes)
  }
}

extension TunnelLink {
  /// The driver every queue is opened from.
  static let driver = "/dev/net/tun"

  /// - Parameter name: becomes the device's own name.
  private static func attach(
    _ configuration: TunnelConfiguration, name: inout String
  ) throws(SystemError) -> Descriptor {
    try HostInterface.check(name: configuration.name)
    let descriptor = try Syscalls.open(driver, .readWrite, .openDevice)
    var flags = CLINUX_NO_PACKET_INFORMATION
    switch configuration.mode {
    case .tun: flags |= CLINUX_TUN
    case .tap: flags |= CLINUX_TAP
    }
    if configuration.offload { flags |= CLINUX_VIRTIO_HEADER }
    name = try attach(descriptor.fileDescriptor, configuration, flags: flags)
    if configuration.offload {
      try Syscalls.setHeaderSize(descriptor.fileDescriptor, name: name)
    }
    try setOffload(descriptor.fileDescriptor, configuration, name: name)
    return descriptor
  }

  /// A device that stands already dictates whether it has one queue or several.
  private static func attach(
    _ descriptor: FileDescriptor, _ configuration: TunnelConfiguration, flags: Int
  ) throws(SystemError) -> String {
    let several = flags | CLINUX_MULTI_QUEUE
    do {
      return try Syscalls.attachTunnel(
        descriptor, name: configuration.name, flags: configuration.multipleQueues ? several : flags)
    } catch {
      guard error.errno == .invalidArgument, !configuration.multipleQueues else { throw error }
      return try Syscalls.attachTunnel(descriptor, name: configuration.name, flags: several)
    }
  }

  /// Asks for the most offload this kernel grants: cutting datagrams came with Linux 6.2.
  private static func setOffload(
    _ descriptor: FileDescriptor, _ configuration: TunnelConfiguration, name: String
  ) throws(SystemError) {
    guard configuration.offload else {
      // A persistent device remembers what its last owner asked for.
      return try Syscalls.setOffload(descriptor, name: name, features: 0)
    }
    let streams =
      CLINUX_OFFLOAD_CHECKSUM | CLINUX_OFFLOAD_TCP4
      | CLINUX_OFFLOAD_TCP6 | CLINUX_OFFLOAD_TCP_ECN
    let datagrams = CLINUX_OFFLOAD_UDP4 | CLINUX_OFFLOAD_UDP6
    do {
      try Syscalls.setOffload(descriptor, name: name, features: streams | datagrams)
    } catch {
      guard error.errno == .invalidArgument else { throw error }
      try Syscalls.setOffload(descriptor, name: name, features: streams)
    }
  }
}

extension EthernetAddress {
  /// A random station address of nobody's block: the second-lowest bit of the first octet set
  /// (local), the lowest clear (one station).
  fileprivate static func randomLocallyAdministered() throws(SystemError) -> EthernetAddress {
    let random = try HostRandom.uint64()
    return EthernetAddress(rawValue: random & ~0x0100_0000_0000 | 0x0200_0000_0000)
  }
}
