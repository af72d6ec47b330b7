#if !hasFeature(Embedded)

  import Addresses

  extension PacketSummary {
    /// An ICMPv6 message in a few words.
    static func icmpv6(_ bytes: Span<UInt8>, _ header: IPv6Header) -> String {
      if let type = NeighborDiscovery.messageType(of: bytes) {
        do { return "icmp6 " + (try neighborDiscovery(type, bytes, header)) } catch {
          return malformed("icmp6 neighbor discovery", error, bytes)
        }
      }
      let message: ICMPv6Message
      do {
        message = try ICMPv6Message(
          parsing: bytes, source: header.source, destination: header.destination,
          verifyingChecksum: false)
      } catch { return malformed("icmp6", error, bytes) }
      let rest = bytes.slice(from: ICMPv6Message.size)
      let length = ", \(rest.count) bytes"
      let quoted = (try? QuotedFlow(parsingIPv6: rest)).map { " for " + flow($0) } ?? ""
      switch message {
      case .echoRequest(let identifier, let sequence):
        return "icmp6 echo request id \(identifier) seq \(sequence)" + length
      case .echoReply(let identifier, let sequence):
        return "icmp6 echo reply id \(identifier) seq \(sequence)" + length
      case .destinationUnreachable(let code): return "icmp6 \(name(code)) unreachable" + quoted
      case .packetTooBig(let mtu): return "icmp6 packet too big mtu \(mtu)" + quoted
      case .timeExceeded(let code):
        return (code == 0 ? "icmp6 time exceeded" : "icmp6 reassembly time exceeded") + quoted
      case .parameterProblem(let code, let pointer):
        return "icmp6 parameter problem code \(code) at \(pointer)" + quoted
      case .other(let type, let code, _): return "icmp6 type \(type) code \(code)" + length
      }
    }

    private static func name(_ code: ICMPv6Message.UnreachableCode) -> String {
      switch code {
      case .noRoute: "route"
      case .administrativelyProhibited: "administratively prohibited,"
      case .beyondScope: "scope"
      case .address: "address"
      case .port: "port"
      default: "code \(code.rawValue)"
      }
    }

    private static func neighborDiscovery(
      _ type: NeighborDiscovery.MessageType, _ bytes: Span<UInt8>, _ header: IPv6Header
    ) throws(Malformed) -> String {
      switch type {
      case .neighborSolicitation:
        let message = try NeighborSolicitation(
          parsing: bytes, in: header, verifyingChecksum: false)
        return "neighbor solicitation who has \(message.target)"
      case .neighborAdvertisement:
        let message = try NeighborAdvertisement(
          parsing: bytes, in: header, verifyingChecksum: false)
        let address = message.targetLinkLayerAddress.map { " at \($0)" } ?? ""
        return "neighbor advertisement \(message.target)" + address
      case .routerSolicitation:
        _ = try RouterSolicitation(parsing: bytes, in: header, verifyingChecksum: false)
        return "router solicitation"
      case .routerAdvertisement:
        let message = try RouterAdvertisement(
          parsing: bytes, in: header, verifyingChecksum: false)
        var text = "router advertisement lifetime \(message.routerLifetime) s"
        var options = try RouterAdvertisement.options(in: bytes)
        while let option = options.next() {
          switch option {
          case .prefixInformation(let found):
            text += ", prefix \(found.prefix)/\(found.prefixLength)"
          case .mtu(let mtu): text += ", mtu \(mtu)"
          case .recursiveNameServer(let address, _): text += ", resolver \(address)"
          default: break
          }
        }
        return text
      case .redirect:
        let message = try RedirectMessage(parsing: bytes, in: header, verifyingChecksum: false)
        return "redirect \(message.destination) to \(message.target)"
      }
    }
  }

#endif
