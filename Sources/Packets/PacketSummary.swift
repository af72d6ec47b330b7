#if !hasFeature(Embedded)

  import Addresses

  /// A packet on one line, for people:
  ///
  /// ```
  /// 10.7.0.1.43210 > 10.7.0.2.80: tcp S 123:123(0) win 64240 <mss 1460,sackOK,wscale 7>
  /// 10.7.0.1.53 > 10.7.0.2.4000: udp 512
  /// 10.7.0.1 > 10.7.0.2: icmp echo request id 7 seq 1, 56 bytes
  /// arp who-has 10.7.0.2 tell 10.7.0.1
  /// ```
  ///
  /// Total: bytes that no parser accepts print as what is wrong with them. Checksums are not
  /// verified, since a link may still owe them.
  public struct PacketSummary: CustomStringConvertible, Sendable {
    public let description: String

    /// - Parameters:
    ///   - bytes: the packet, from what `linkType` says it begins with.
    ///   - linkType: Ethernet frames, or plain IP packets.
    public init(_ bytes: Span<UInt8>, linkType: LinkType = .ip) {
      description =
        switch linkType {
        case .ip: Self.ip(bytes)
        case .ethernet: Self.ethernet(bytes)
        }
    }

    private static func ethernet(_ bytes: Span<UInt8>) -> String {
      let header: EthernetHeader
      do { header = try EthernetHeader(parsing: bytes) } catch {
        return malformed("ethernet", error, bytes)
      }
      let payload = bytes.slice(from: EthernetHeader.size)
      switch header.etherType {
      case .ipv4, .ipv6: return ip(payload)
      case .arp: return arp(payload)
      default:
        let type = String(header.etherType.rawValue, radix: 16)
        return "\(header.source) > \(header.destination): ethertype 0x\(type), "
          + "\(payload.count) bytes"
      }
    }

    private static func arp(_ bytes: Span<UInt8>) -> String {
      do {
        let packet = try ARPPacket(parsing: bytes)
        switch packet.operation {
        case .request:
          return "arp who-has \(packet.targetProtocolAddress) tell \(packet.senderProtocolAddress)"
        case .reply:
          return "arp \(packet.senderProtocolAddress) is-at \(packet.senderHardwareAddress)"
        }
      } catch { return malformed("arp", error, bytes) }
    }

    private static func ip(_ bytes: Span<UInt8>) -> String {
      switch bytes.uint8(at: 0) &>> 4 {
      case 4: ipv4(bytes)
      case 6: ipv6(bytes)
      default: malformed("ip", bytes.count == 0 ? .truncated : .badVersion, bytes)
      }
    }

    private static func ipv4(_ bytes: Span<UInt8>) -> String {
      let header: IPv4Header
      do { header = try IPv4Header(parsing: bytes, verifyingChecksum: false) } catch {
        return malformed("ipv4", error, bytes)
      }
      let payload = bytes.slice(from: header.headerLength, length: header.payloadLength)
      if header.isFragment {
        let more = header.moreFragments ? "+" : ""
        return "\(header.source) > \(header.destination): \(name(header.protocol)) fragment id "
          + "\(header.identification) offset \(header.fragmentOffset)\(more), "
          + "\(payload.count) bytes"
      }
      return transport(
        payload, header.protocol, source: .v4(header.source), destination: .v4(header.destination),
        nil)
    }

    private static func ipv6(_ bytes: Span<UInt8>) -> String {
      let header: IPv6Header
      do { header = try IPv6Header(parsing: bytes) } catch {
        return malformed("ipv6", error, bytes)
      }
      let walk = IPv6ExtensionWalk(bytes, header: header)
      let ends = "\(header.source) > \(header.destination): "
      let payload = bytes.slice(from: walk.offset, length: header.totalLength &- walk.offset)
      switch walk.outcome {
      case .payload:
        return transport(
          payload, walk.protocol, source: .v6(header.source), destination: .v6(header.destination),
          header)
      case .fragment:
        guard let fragment = walk.fragment else { return ends + "fragment" }
        let more = fragment.moreFragments ? "+" : ""
        return ends + "\(name(fragment.nextHeader)) fragment id \(fragment.identification) "
          + "offset \(fragment.offset)\(more), \(payload.count) bytes"
      case .parameterProblem(let code, let pointer):
        return ends + "parameter problem code \(code) at \(pointer)"
      case .drop(.noNextHeader): return ends + "no next header"
      case .drop(let reason): return ends + malformed("ipv6 extension", reason, payload)
      }
    }

    private static func transport(
      _ bytes: Span<UInt8>, _ kind: IPProtocol, source: IPAddress, destination: IPAddress,
      _ header: IPv6Header?
    ) -> String {
      let ends = "\(source) > \(destination): "
      switch kind {
      case .tcp:
        do {
          let header = try TCPHeader(parsing: bytes)
          return "\(source).\(header.sourcePort) > \(destination).\(header.destinationPort): "
            + tcp(header, bytes)
        } catch { return ends + malformed("tcp", error, bytes) }
      case .udp:
        do {
          let header = try UDPHeader(parsing: bytes)
          return "\(source).\(header.sourcePort) > \(destination).\(header.destinationPort): "
            + "udp \(header.payloadLength)"
        } catch { return ends + malformed("udp", error, bytes) }
      case .icmpv4: return ends + icmpv4(bytes)
      case .icmpv6:
        guard let header else { break }
        return ends + icmpv6(bytes, header)
      default: break
      }
      return ends + "\(name(kind)), \(bytes.count) bytes"
    }

    static func malformed(_ what: String, _ reason: Malformed, _ bytes: Span<UInt8>) -> String {
      "malformed \(what) (\(reason)), \(bytes.count) bytes"
    }

    static func name(_ kind: IPProtocol) -> String {
      switch kind {
      case .icmpv4: "icmp"
      case .igmp: "igmp"
      case .tcp: "tcp"
      case .udp: "udp"
      case .icmpv6: "icmp6"
      default: "protocol \(kind.rawValue)"
      }
    }
  }

#endif
