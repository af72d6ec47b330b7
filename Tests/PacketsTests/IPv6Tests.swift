import Addresses
import Packets
import Testing

@Suite("IPv6 header and extension headers")
struct IPv6Tests {
  typealias Outcome = IPv6ExtensionWalk.Outcome

  func walk(
    _ next: IPProtocol, _ payload: [UInt8], to destination: IPv6Address = Sample.server6,
    isReassembled: Bool = false
  ) -> IPv6ExtensionWalk {
    let packet = Sample.ipv6(next, payload, destination: destination)
    guard let header = try? IPv6Header(parsing: packet.span) else {
      Issue.record("the sample does not parse")
      return IPv6ExtensionWalk(
        packet.span,
        header: IPv6Header(
          source: .any, destination: .any, nextHeader: next, payloadLength: 0))
    }
    return IPv6ExtensionWalk(packet.span, header: header, isReassembled: isReassembled)
  }

  /// Eight bytes of options (or of any other extension header) with padding in it.
  func padded(_ next: UInt8) -> [UInt8] { [next, 0, 1, 4, 0, 0, 0, 0] }

  func fragment(_ next: UInt8, offset: UInt16, more: Bool) -> [UInt8] {
    let header = FragmentHeader(
      nextHeader: IPProtocol(rawValue: next), offset: Int(offset), moreFragments: more,
      identification: 7)
    return written(8) { header.write(into: &$0) }
  }

  @Test(
    "a header reads back as it was written, whatever its fields",
    arguments: 0..<100 as Range<UInt64>)
  func roundTrip(seed: UInt64) throws {
    var numbers = Numbers(seed: seed)
    let payload = numbers.bytes(numbers.below(64))
    let header = IPv6Header(
      source: IPv6Address(high: numbers.next(), low: numbers.next()),
      destination: IPv6Address(high: numbers.next(), low: numbers.next()),
      nextHeader: IPProtocol(rawValue: UInt8(numbers.below(256))), payloadLength: payload.count,
      hopLimit: UInt8(numbers.below(256)), flowLabel: UInt32(numbers.below(1 << 20)),
      dscp: UInt8(numbers.below(64)), ecn: ECNCodepoint(bits: UInt8(numbers.below(4))))
    let packet = written(40) { header.write(into: &$0) } + payload
    #expect(try IPv6Header(parsing: packet.span) == header)
    for length in 0..<packet.count {
      let cut = Array(packet[..<length])
      let expected: Malformed = length < 40 ? .truncated : .badLength
      #expect(refusal { _ = try IPv6Header(parsing: cut.span) } == expected)
    }
  }

  @Test("another version is refused")
  func version() {
    var packet = Sample.ipv6(.udp, [])
    for nibble: UInt8 in 0..<16 where nibble != 6 {
      packet[0] = nibble << 4
      #expect(refusal { _ = try IPv6Header(parsing: packet.span) } == .badVersion)
    }
  }

  @Test("IP6-1: a payload length beyond the bytes, or shorter than the headers, goes nowhere")
  func payloadLength() {
    var packet = Sample.ipv6(.tcp, [1, 2, 3, 4])
    packet[5] = 5
    #expect(refusal { _ = try IPv6Header(parsing: packet.span) } == .badLength)
    // Zero, with headers lying in what is then padding.
    var short = Sample.ipv6(.hopByHopOptions, padded(6))
    short[5] = 0
    guard let header = try? IPv6Header(parsing: short.span) else {
      Issue.record("a payload of zero bytes is allowed")
      return
    }
    #expect(IPv6ExtensionWalk(short.span, header: header).outcome == .drop(.truncated))
  }

  @Test("headers are passed to the protocol behind them")
  func chain() {
    let routing: [UInt8] = [6, 0, 2, 0, 0, 0, 0, 0]
    let good = walk(.hopByHopOptions, padded(60) + padded(43) + routing + [9])
    #expect(good.outcome == .payload)
    #expect(good.protocol == .tcp)
    #expect(good.offset == 64)
    #expect(good.nextHeaderOffset == 56)
  }

  @Test("IP6-2: a header length beyond the packet is answered at its place, up to the largest")
  func headerLengths() {
    for length in 0...255 {
      var options = padded(6)
      options[1] = UInt8(length)
      let expected: Outcome = length == 0 ? .payload : .parameterProblem(code: 0, pointer: 41)
      #expect(walk(.destinationOptions, options).outcome == expected)
    }
    let large = [6, 255] + [UInt8](repeating: 0, count: 2046)
    #expect(walk(.destinationOptions, large).outcome == .drop(.tooMany))
    var paddings: [UInt8] = [6, 255]
    for length in [255, 255, 255, 255, 255, 255, 255, 245] as [UInt8] {
      paddings += [1, length] + [UInt8](repeating: 0, count: Int(length))
    }
    #expect(paddings.count <= 2048)
    let filled = paddings + [UInt8](repeating: 0, count: 2048 - paddings.count)
    #expect(walk(.destinationOptions, filled + [7]).offset == 40 + 2048)
    for length in 0..<8 {
      #expect(
        walk(.destinationOptions, Array(padded(6)[..<length])).outcome == .drop(.truncated))
    }
  }

  @Test("IP6-3: options past the end of their header are dropped, and every walk ends")
  func optionLengths() {
    for kind in [1, 5, 0x1E] as [UInt8] {
      for length in 0...255 {
        let options: [UInt8] = [6, 0, kind, UInt8(length), 0, 0, 0, 0]
        let expected: Outcome = length <= 4 ? .payload : .drop(.badOption)
        #expect(walk(.destinationOptions, options).outcome == expected)
      }
    }
    #expect(walk(.destinationOptions, [6, 0, 1, 3, 0, 0, 0, 1]).outcome == .drop(.badOption))
  }

  @Test("IP6-4: the two highest bits of an unknown option decide, and 11 spares a group")
  func actions() {
    func outcome(_ kind: UInt8, to destination: IPv6Address) -> Outcome {
      walk(.hopByHopOptions, [6, 0, kind, 4, 0, 0, 0, 0], to: destination).outcome
    }
    let problem = Outcome.parameterProblem(code: 2, pointer: 42)
    let dropped = Outcome.drop(.unrecognizedOption)
    for low: UInt8 in [0x1E, 0x3E, 0x0B] {
      #expect(outcome(low, to: Sample.server6) == .payload)
      #expect(outcome(low, to: Sample.allNodes) == .payload)
      #expect(outcome(0x40 | low, to: Sample.server6) == dropped)
      #expect(outcome(0x40 | low, to: Sample.allNodes) == dropped)
      #expect(outcome(0x80 | low, to: Sample.server6) == problem)
      #expect(outcome(0x80 | low, to: Sample.allNodes) == problem)
      #expect(outcome(0xC0 | low, to: Sample.server6) == problem)
      #expect(outcome(0xC0 | low, to: Sample.allNodes) == dropped)
    }
  }

  @Test("IP6-5: no more than eight headers, no more than 64 options, hop-by-hop only in front")
  func limits() {
    for count in 1...20 {
      let chain = (1...count).flatMap { padded($0 == count ? 6 : 60) }
      let expected: Outcome = count <= 8 ? .payload : .drop(.tooMany)
      #expect(walk(.destinationOptions, chain).outcome == expected)
    }
    func options(_ count: Int) -> [UInt8] {
      [6, UInt8((count * 2 + 2 + 7) / 8 - 1)]
        + (0..<count).flatMap { _ in [0x1E, 0] as [UInt8] }
    }
    #expect(walk(.destinationOptions, options(63)).outcome == .payload)
    #expect(walk(.destinationOptions, options(67)).outcome == .drop(.tooMany))
    let twice = walk(.hopByHopOptions, padded(0) + padded(6))
    #expect(twice.outcome == .parameterProblem(code: 1, pointer: 40))
    let late = walk(.destinationOptions, padded(0) + padded(6))
    #expect(late.outcome == .parameterProblem(code: 1, pointer: 40))
  }

  @Test("IP6-6, IP6-7: a routing header of any type is passed only with no segments left")
  func routing() {
    for type in 0...255 {
      for left in [0, 1, 255] {
        let header: [UInt8] = [6, 0, UInt8(type), UInt8(left), 0xFF, 0x70, 0, 0]
        let expected: Outcome = left == 0 ? .payload : .parameterProblem(code: 0, pointer: 42)
        #expect(walk(.routing, header).outcome == expected)
      }
    }
  }

  @Test("IP6-8: encryption and authentication are protocols of which nothing is known")
  func security() {
    for kind in [IPProtocol.encapsulatingSecurityPayload, .authentication] {
      let found = walk(kind, [6, 0, 0, 0, 0, 0, 0, 0])
      #expect(found.outcome == .payload)
      #expect(found.protocol == kind)
      #expect(found.offset == 40)
    }
    #expect(walk(.noNextHeader, [1, 2, 3]).outcome == .drop(.noNextHeader))
  }

  @Test("IP6-9: a jumbo option is refused, whatever it says")
  func jumbo() {
    for length: [UInt8] in [[0, 0, 0, 0], [0, 0, 255, 255], [0, 1, 0, 0], [255, 255, 255, 255]] {
      let options = [6, 0, 0xC2, 4] + length
      let found = walk(.hopByHopOptions, options)
      #expect(found.outcome == .parameterProblem(code: 2, pointer: 42))
    }
  }

  @Test("an atomic fragment goes on to its payload")
  func atomic() {
    let found = walk(.destinationOptions, padded(44) + fragment(17, offset: 0, more: false) + [1])
    #expect(found.outcome == .payload)
    #expect(found.protocol == .udp)
    #expect(found.offset == 56)
    #expect(found.fragment?.isAtomic == true)
    #expect(found.fragmentNextHeaderOffset == 40)
  }

  @Test("a fragment stops the walk with its place in the datagram")
  func realFragment() {
    let found = walk(.fragment, fragment(17, offset: 1480, more: false) + [1, 2, 3])
    #expect(found.outcome == .fragment)
    #expect(found.fragment?.offset == 1480)
    #expect(found.fragment?.identification == 7)
    #expect(found.offset == 48)
    #expect(found.fragmentOffset == 40)
    #expect(found.fragmentNextHeaderOffset == 6)
  }

  @Test("FRAG-8, FRAG-3: odd lengths, empty pieces and ends beyond 65,535 are answered or dropped")
  func oddFragments() {
    let odd = walk(.fragment, fragment(17, offset: 8, more: true) + [1, 2, 3])
    #expect(odd.outcome == .parameterProblem(code: 0, pointer: 4))
    let empty = walk(.fragment, fragment(17, offset: 8, more: false))
    #expect(empty.outcome == .drop(.badFragment))
    let far = walk(
      .fragment, fragment(17, offset: 65_528, more: false) + [UInt8](repeating: 0, count: 8))
    #expect(far.outcome == .parameterProblem(code: 0, pointer: 42))
  }

  @Test("FRAG-13: a first fragment holds every header down to the transport's")
  func wholeChain() {
    let payload = [UInt8](repeating: 0, count: 24)
    let good = walk(.fragment, fragment(60, offset: 0, more: true) + padded(6) + payload)
    #expect(good.outcome == .fragment)
    let cutOff = Outcome.parameterProblem(code: 3, pointer: 0)
    let short = walk(.fragment, fragment(60, offset: 0, more: true) + padded(6))
    #expect(short.outcome == cutOff)
    let chain = walk(
      .fragment, fragment(60, offset: 0, more: true) + [60, 9, 1, 4, 0, 0, 0, 0])
    #expect(chain.outcome == cutOff)
    let udp = walk(.fragment, fragment(17, offset: 0, more: true) + padded(0))
    #expect(udp.outcome == .fragment)
  }

  @Test("FRAG-14: a fragment inside of a fragment or of a whole datagram is dropped")
  func nested() {
    let inner = fragment(44, offset: 0, more: false) + fragment(17, offset: 0, more: false)
    #expect(walk(.fragment, inner + [1]).outcome == .drop(.badFragment))
    let again = fragment(17, offset: 0, more: false) + [1]
    #expect(walk(.fragment, again, isReassembled: true).outcome == .drop(.badFragment))
  }

  @Test("a Fragment header reads back as it was written, and every cut is refused")
  func fragmentRoundTrip() throws {
    let bytes = fragment(6, offset: 65_528, more: true)
    let parsed = try FragmentHeader(parsing: bytes.span)
    #expect(parsed.offset == 65_528)
    #expect(parsed.moreFragments)
    #expect(parsed.nextHeader == .tcp)
    for length in 0..<8 {
      let cut = Array(bytes[..<length])
      #expect(refusal { _ = try FragmentHeader(parsing: cut.span) } == .truncated)
    }
  }

  @Test("random chains always end within the packet", arguments: 0..<50 as Range<UInt64>)
  func randomChains(seed: UInt64) {
    var numbers = Numbers(seed: seed)
    var outside = 0
    let kinds: [UInt8] = [0, 43, 44, 60, 59, 50, 6, 17]
    for _ in 0..<200 {
      var payload = numbers.bytes(numbers.below(200))
      for index in stride(from: 0, to: payload.count, by: 8) {
        payload[index] = kinds[numbers.below(8)]
        if index + 1 < payload.count { payload[index + 1] = UInt8(numbers.below(3)) }
      }
      let found = walk(IPProtocol(rawValue: kinds[numbers.below(4)]), payload)
      if found.offset > 40 + payload.count { outside += 1 }
    }
    #expect(outside == 0)
  }
}
