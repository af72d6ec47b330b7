#if !hasFeature(Embedded)

  /// Reads the packets of a pcapng capture out of memory, in either byte order.
  ///
  /// Any bytes are safe to read: a block that is shorter than its kind needs, longer than
  /// ``maximumBlockSize`` or than what is left ends the reading with a reason. Kinds that are not
  /// known are passed over, and no more than ``maximumInterfaces`` are kept per section.
  public struct PcapngReader: ~Escapable {
    /// A packet of the capture.
    public struct Record: Equatable, Sendable {
      /// The number of the interface within its section.
      public var interface: UInt32
      /// As the registry of link types has it; see ``LinkType``.
      public var linkType: UInt16
      /// Saturates where the capture's units do not fit.
      public var time: Instant
      /// Bytes that the packet had on the wire.
      public var originalLength: Int
      /// Where its kept bytes lie; see ``PcapngReader/bytes(of:)``.
      public var offset: Int
      /// How many bytes were kept.
      public var count: Int
    }

    public static var maximumBlockSize: Int { 16 &<< 20 }
    public static var maximumInterfaces: Int { 1_024 }

    private struct Interface {
      var linkType: UInt16
      /// The `if_tsresol` octet: a negative power of ten, or with the high bit set of two.
      var resolution: UInt8
      var keptLength: UInt32
    }

    private let capture: Span<UInt8>
    private var offset = 0
    private var isBigEndian = false
    private var hasSection = false
    private var interfaces: [Interface] = []

    @_lifetime(copy capture)
    public init(_ capture: Span<UInt8>) { self.capture = capture }

    /// The kept bytes of a packet.
    @_lifetime(copy self)
    public func bytes(of record: Record) -> Span<UInt8> {
      capture.slice(from: record.offset, length: record.count)
    }

    /// The next packet; nothing at the end of the capture.
    @_lifetime(self: copy self)
    public mutating func next() throws(Malformed) -> Record? {
      while offset < capture.count {
        guard capture.count &- offset >= 12 else { throw .truncated }
        let isSection = capture.uint32(at: offset) == 0x0A0D_0D0A
        if isSection { try beginSection() }
        guard hasSection else { throw .badType }
        let length = Int(uint32(at: offset &+ 4))
        guard length >= 12, length & 3 == 0, length <= Self.maximumBlockSize else {
          throw .badLength
        }
        guard length <= capture.count &- offset else { throw .truncated }
        guard Int(uint32(at: offset &+ length &- 4)) == length else { throw .badLength }
        let body = offset &+ 8
        let end = offset &+ length &- 4
        offset &+= length
        switch isSection ? 0 : uint32(at: body &- 8) {
        case 1: try addInterface(body, end)
        case 3: return try simplePacket(body, end)
        case 6: return try enhancedPacket(body, end)
        default: break
        }
      }
      return nil
    }

    @_lifetime(self: copy self)
    private mutating func beginSection() throws(Malformed) {
      switch capture.uint32(at: offset &+ 8) {
      case 0x1A2B_3C4D: isBigEndian = true
      case 0x4D3C_2B1A: isBigEndian = false
      default: throw .badValue
      }
      hasSection = true
      interfaces = []
    }

    @_lifetime(self: copy self)
    private mutating func addInterface(_ body: Int, _ end: Int) throws(Malformed) {
      guard end &- body >= 8 else { throw .badLength }
      guard interfaces.count < Self.maximumInterfaces else { throw .tooMany }
      var interface = Interface(
        linkType: uint16(at: body), resolution: 6, keptLength: uint32(at: body &+ 4))
      var position = body &+ 8
      while position &+ 4 <= end {
        let kind = uint16(at: position)
        let length = Int(uint16(at: position &+ 2))
        guard kind != 0 else { break }
        guard length <= end &- position &- 4 else { throw .badOption }
        if kind == 9, length == 1 { interface.resolution = capture.uint8(at: position &+ 4) }
        position &+= 4 &+ (length &+ 3) & ~3
      }
      interfaces.append(interface)
    }

    private func enhancedPacket(_ body: Int, _ end: Int) throws(Malformed) -> Record {
      guard end &- body >= 20 else { throw .badLength }
      let kept = Int(uint32(at: body &+ 12))
      guard kept <= end &- body &- 20 else { throw .badLength }
      let number = uint32(at: body)
      guard let interface = interface(number) else { throw .badValue }
      let ticks = UInt64(uint32(at: body &+ 4)) &<< 32 | UInt64(uint32(at: body &+ 8))
      return Record(
        interface: number, linkType: interface.linkType,
        time: Self.time(ticks, resolution: interface.resolution),
        originalLength: Int(uint32(at: body &+ 16)), offset: body &+ 20, count: kept)
    }

    private func simplePacket(_ body: Int, _ end: Int) throws(Malformed) -> Record {
      guard end &- body >= 4 else { throw .badLength }
      guard let interface = interface(0) else { throw .badValue }
      let original = Int(uint32(at: body))
      var kept = min(original, end &- body &- 4)
      if interface.keptLength > 0 { kept = min(kept, Int(interface.keptLength)) }
      return Record(
        interface: 0, linkType: interface.linkType, time: .zero, originalLength: original,
        offset: body &+ 4, count: kept)
    }

    private func interface(_ number: UInt32) -> Interface? {
      guard Int(number) < interfaces.count else { return nil }
      return interfaces[Int(number)]
    }

    /// Units to nanoseconds, saturating: finer units are cut off.
    private static func time(_ ticks: UInt64, resolution: UInt8) -> Instant {
      var scaled = ticks
      var isExact = true
      if resolution & 0x80 != 0 {
        let bits = UInt64(resolution & 0x7F)
        let product = ticks.multipliedFullWidth(by: 1_000_000_000)
        if bits == 0 {
          isExact = product.high == 0
          scaled = product.low
        } else if bits < 64 {
          isExact = product.high &>> bits == 0
          scaled = product.high &<< (64 &- bits) | product.low &>> bits
        } else {
          scaled = bits == 64 ? product.high : product.high &>> min(bits &- 64, 63)
        }
      } else {
        var exponent = resolution
        while exponent < 9, isExact {
          let (product, overflow) = scaled.multipliedReportingOverflow(by: 10)
          scaled = product
          isExact = !overflow
          exponent &+= 1
        }
        while exponent > 9, scaled > 0 {
          scaled /= 10
          exponent &-= 1
        }
      }
      return Instant(nanoseconds: isExact ? Int64(clamping: scaled) : .max)
    }

    private func uint16(at offset: Int) -> UInt16 {
      let value = capture.uint16(at: offset)
      return isBigEndian ? value : value.byteSwapped
    }

    private func uint32(at offset: Int) -> UInt32 {
      let value = capture.uint32(at: offset)
      return isBigEndian ? value : value.byteSwapped
    }
  }

#endif
