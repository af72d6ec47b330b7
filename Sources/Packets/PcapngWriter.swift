#if !hasFeature(Embedded)

  /// What the packets of a capture begin with (the registry of pcap link types).
  public enum LinkType: UInt16, Sendable {
    /// An Ethernet header.
    case ethernet = 1
    /// An IPv4 or IPv6 header.
    case ip = 101
  }

  /// Writes packets in the format that Wireshark and tcpdump read (pcapng), as blocks of bytes to
  /// be appended to a file or a pipe.
  ///
  /// ```
  ///   Section Header | Interface Description ... | Enhanced Packet | Enhanced Packet | ...
  /// ```
  ///
  /// Bytes gather in the writer until ``take()``; whoever drives it decides how often that is. All
  /// numbers are little-endian, all times in nanoseconds.
  public struct PcapngWriter: Sendable {
    /// The most bytes kept of one packet.
    public static var maximumPacketSize: Int { 262_144 }

    private var block: [UInt8] = []
    /// How many interfaces were described.
    public private(set) var interfaceCount: UInt32 = 0

    /// Begins a section.
    ///
    /// - Parameter application: who captured, for the reader's eye; cut to 255 bytes.
    public init(application: String) {
      let start = begin(0x0A0D_0D0A)
      append(0x1A2B_3C4D as UInt32)
      append(1 as UInt16)
      append(0 as UInt16)
      append(UInt64.max)
      append(option: 4, application)
      append(0 as UInt32)
      end(start)
    }

    /// Describes an interface; packets refer to it by the answered number.
    public mutating func addInterface(name: String, linkType: LinkType) -> UInt32 {
      let start = begin(1)
      append(linkType.rawValue)
      append(0 as UInt16)
      append(UInt32(truncatingIfNeeded: Self.maximumPacketSize))
      append(option: 2, name)
      // if_tsresol: times count in units of 10^-9 seconds.
      append(9 as UInt16)
      append(1 as UInt16)
      append(9 as UInt32)
      append(0 as UInt32)
      end(start)
      let number = interfaceCount
      interfaceCount &+= 1
      return number
    }

    /// Whether a packet came in or went out, for its flags word.
    public enum Direction: UInt32, Sendable {
      case unknown = 0
      case inbound = 1
      case outbound = 2
    }

    /// Adds a packet. Linear in its length; bytes beyond ``maximumPacketSize`` are left out.
    ///
    /// - Parameters:
    ///   - interface: a number that ``addInterface(name:linkType:)`` answered.
    ///   - time: counted from 1970 on for real captures, from anything for simulated ones.
    public mutating func add(
      _ packet: Span<UInt8>, interface: UInt32, at time: Instant,
      direction: Direction = .unknown, comment: String? = nil
    ) {
      let kept = packet.slice(from: 0, length: Self.maximumPacketSize)
      let start = begin(6)
      append(interface)
      let ticks = UInt64(bitPattern: time.nanoseconds)
      append(UInt32(truncatingIfNeeded: ticks &>> 32))
      append(UInt32(truncatingIfNeeded: ticks))
      append(UInt32(truncatingIfNeeded: kept.count))
      append(UInt32(truncatingIfNeeded: packet.count))
      append(kept)
      if let comment { append(option: 1, comment) }
      if direction != .unknown {
        append(2 as UInt16)
        append(4 as UInt16)
        append(direction.rawValue)
      }
      if comment != nil || direction != .unknown { append(0 as UInt32) }
      end(start)
    }

    /// The bytes written since the last call.
    public mutating func take() -> [UInt8] {
      let taken = block
      block = []
      return taken
    }

    private mutating func begin(_ kind: UInt32) -> Int {
      let start = block.count
      append(kind)
      append(0 as UInt32)
      return start
    }

    private mutating func end(_ start: Int) {
      let length = UInt32(truncatingIfNeeded: block.count &- start &+ 4)
      append(length)
      var bytes = block.mutableSpan
      bytes.store(length.byteSwapped, at: start &+ 4)
    }

    private mutating func append(_ value: some FixedWidthInteger) {
      var rest = value
      for _ in 0..<value.bitWidth &>> 3 {
        block.append(UInt8(truncatingIfNeeded: rest))
        rest >>= 8
      }
    }

    private mutating func append(_ bytes: Span<UInt8>) {
      for index in bytes.indices { block.append(bytes.uint8(at: index)) }
      while block.count & 3 != 0 { block.append(0) }
    }

    private mutating func append(option kind: UInt16, _ text: String) {
      var octets: [UInt8] = []
      for octet in text.utf8 {
        guard octets.count < 255 else { break }
        octets.append(octet)
      }
      append(kind)
      append(UInt16(truncatingIfNeeded: octets.count))
      append(octets.span)
    }
  }

#endif
