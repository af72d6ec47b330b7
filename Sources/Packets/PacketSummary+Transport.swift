#if !hasFeature(Embedded)

  import Addresses

  extension PacketSummary {
    /// A TCP segment in a few words.
    static func tcp(_ header: TCPHeader, _ bytes: Span<UInt8>) -> String {
      let length = bytes.count &- header.dataOffset
      let next = header.sequenceNumber.advanced(by: length)
      var text = "tcp \(flags(header.flags)) "
      text += "\(header.sequenceNumber.rawValue):\(next.rawValue)(\(length))"
      if header.flags.contains(.ack) { text += " ack \(header.acknowledgmentNumber.rawValue)" }
      text += " win \(header.window)"
      if header.flags.contains(.urg) { text += " urg \(header.urgentPointer)" }
      let options = options(TCPOptions(in: bytes, header: header))
      if !options.isEmpty { text += " <\(options)>" }
      return text
    }

    /// One letter per control bit, as tcpdump has them; a dot for none but ACK.
    private static func flags(_ flags: TCPFlags) -> String {
      var text = ""
      if flags.contains(.syn) { text += "S" }
      if flags.contains(.fin) { text += "F" }
      if flags.contains(.rst) { text += "R" }
      if flags.contains(.psh) { text += "P" }
      if flags.contains(.urg) { text += "U" }
      if flags.contains(.cwr) { text += "W" }
      if flags.contains(.ece) { text += "E" }
      if flags.contains(.ae) { text += "e" }
      return text.isEmpty ? "." : text
    }

    private static func options(_ options: TCPOptions) -> String {
      var parts: [String] = []
      if let size = options.maximumSegmentSize { parts.append("mss \(size)") }
      if options.sackPermitted { parts.append("sackOK") }
      if let stamp = options.timestamp { parts.append("TS val \(stamp.value) ecr \(stamp.echo)") }
      if let shift = options.windowScale { parts.append("wscale \(shift)") }
      if options.hasFastOpenCookie { parts.append("tfo") }
      var index = 0
      while index < options.sackBlocks.count {
        let block = options.sackBlocks[index]
        parts.append("sack \(block.left.rawValue):\(block.right.rawValue)")
        index &+= 1
      }
      if options.isMalformed { parts.append("malformed") }
      return parts.joined(separator: ",")
    }

    static func icmpv4(_ bytes: Span<UInt8>) -> String {
      let message: ICMPv4Message
      do { message = try ICMPv4Message(parsing: bytes, verifyingChecksum: false) } catch {
        return malformed("icmp", error, bytes)
      }
      let rest = bytes.slice(from: ICMPv4Message.size)
      let length = ", \(rest.count) bytes"
      let quoted = (try? QuotedFlow(parsingIPv4: rest)).map { " for " + flow($0) } ?? ""
      switch message {
      case .echoRequest(let identifier, let sequence):
        return "icmp echo request id \(identifier) seq \(sequence)" + length
      case .echoReply(let identifier, let sequence):
        return "icmp echo reply id \(identifier) seq \(sequence)" + length
      case .destinationUnreachable(.fragmentationNeeded, let mtu):
        return "icmp fragmentation needed mtu \(mtu)" + quoted
      case .destinationUnreachable(let code, _): return "icmp \(name(code)) unreachable" + quoted
      case .redirect(let code, let gateway): return "icmp redirect \(code) to \(gateway)" + quoted
      case .timeExceeded(let code):
        return (code == 0 ? "icmp time exceeded" : "icmp reassembly time exceeded") + quoted
      case .parameterProblem(let code, let pointer):
        return "icmp parameter problem code \(code) at \(pointer)" + quoted
      case .other(let type, let code, _): return "icmp type \(type) code \(code)" + length
      }
    }

    private static func name(_ code: ICMPv4Message.UnreachableCode) -> String {
      switch code {
      case .network: "network"
      case .host: "host"
      case .protocol: "protocol"
      case .port: "port"
      case .sourceRouteFailed: "source route"
      case .networkProhibited: "network prohibited,"
      case .hostProhibited: "host prohibited,"
      case .administrativelyProhibited: "administratively prohibited,"
      default: "code \(code.rawValue)"
      }
    }

    static func flow(_ flow: QuotedFlow) -> String {
      switch flow.protocol {
      case .tcp, .udp:
        "\(flow.source).\(flow.sourcePort) > \(flow.destination).\(flow.destinationPort) "
          + name(flow.protocol)
      default: "\(flow.source) > \(flow.destination) " + name(flow.protocol)
      }
    }
  }

#endif
