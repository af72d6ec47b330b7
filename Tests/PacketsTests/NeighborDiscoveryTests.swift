import Addresses
import Packets
import Testing

@Suite("Neighbor discovery")
struct NeighborDiscoveryTests {
  let target = Sample.server6

  func header(
    from source: IPv6Address = Sample.router6, to destination: IPv6Address = Sample.allNodes,
    hopLimit: UInt8 = 255
  ) -> IPv6Header {
    IPv6Header(
      source: source, destination: destination, nextHeader: .icmpv6, payloadLength: 0,
      hopLimit: hopLimit)
  }

  /// A router advertisement with these options behind it and a right checksum.
  func advertisement(_ options: [UInt8]) -> [UInt8] {
    let message = RouterAdvertisement(
      currentHopLimit: 0, isManaged: true, routerLifetime: 1_800, reachableTime: .max,
      retransmitTimer: 1)
    var bytes = written(16) { message.write(into: &$0) } + options
    var span = bytes.mutableSpan
    ICMPv6Message.fillChecksum(
      in: &span, source: Sample.router6, destination: Sample.allNodes)
    return bytes
  }

  func options(_ message: [UInt8]) throws -> [NeighborDiscoveryOption] {
    var found: [NeighborDiscoveryOption] = []
    var walk = try RouterAdvertisement.options(in: message.span)
    while let option = walk.next() { found.append(option) }
    return found
  }

  @Test("solicitations, advertisements and redirects read back as they were written")
  func roundTrips() throws {
    let around = header(from: Sample.router6, to: Sample.server6)
    func message(_ size: Int, _ write: (inout MutableSpan<UInt8>) -> Void) -> [UInt8] {
      written(size, write)
    }
    for station in [nil, Sample.clientStation] {
      for nonce in [nil, 0x1234_5678_9ABC as UInt64] {
        let value = NeighborSolicitation(
          target: target, sourceLinkLayerAddress: station, nonce: nonce)
        let bytes = message(value.size) {
          value.write(into: &$0, source: around.source, destination: around.destination)
        }
        #expect(try NeighborSolicitation(parsing: bytes.span, in: around) == value)
        #expect(NeighborDiscovery.messageType(of: bytes.span) == .neighborSolicitation)
      }
      let answer = NeighborAdvertisement(
        target: target, isRouter: station == nil, isSolicited: true, overrides: station != nil,
        targetLinkLayerAddress: station)
      let bytes = message(answer.size) {
        answer.write(into: &$0, source: around.source, destination: around.destination)
      }
      #expect(try NeighborAdvertisement(parsing: bytes.span, in: around) == answer)
      let question = RouterSolicitation(sourceLinkLayerAddress: station)
      let asked = message(question.size) {
        question.write(into: &$0, source: around.source, destination: around.destination)
      }
      #expect(try RouterSolicitation(parsing: asked.span, in: around) == question)
      let redirect = RedirectMessage(
        target: Sample.router6, destination: target, targetLinkLayerAddress: station)
      let told = message(redirect.size) {
        redirect.write(into: &$0, source: around.source, destination: around.destination)
      }
      #expect(try RedirectMessage(parsing: told.span, in: around) == redirect)
    }
  }

  @Test("a router advertisement reads back with its options")
  func routerAdvertisement() throws {
    let prefix = PrefixInformation(
      prefix: IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0), prefixLength: 64,
      isAutonomous: false, validLifetime: .max, preferredLifetime: 5)
    let options =
      written(48) {
        RouterAdvertisement.write(
          sourceLinkLayerAddress: Sample.serverStation, into: &$0, at: 0)
        RouterAdvertisement.write(mtu: 1_400, into: &$0, at: 8)
        prefix.write(into: &$0, at: 16)
      } + [200, 1, 0, 0, 0, 0, 0, 0]
    let bytes = advertisement(options)
    let parsed = try RouterAdvertisement(parsing: bytes.span, in: header())
    #expect(parsed.routerLifetime == 1_800)
    #expect(parsed.isManaged && !parsed.hasOtherConfiguration)
    #expect(parsed.reachableTime == .max && parsed.retransmitTimer == 1)
    #expect(
      try self.options(bytes) == [
        .sourceLinkLayerAddress(Sample.serverStation), .mtu(1_400), .prefixInformation(prefix),
      ])
  }

  @Test("ND-1: a length of zero, one past the end and 65 options make a message worthless")
  func badOptions() {
    let padding: [UInt8] = [200, 1, 0, 0, 0, 0, 0, 0]
    for (tail, reason) in [
      ([1, 0, 0, 0, 0, 0, 0, 0], .badOption), ([200, 0, 0, 0, 0, 0, 0, 0], .badOption),
      ([1, 2, 0, 0, 0, 0, 0, 0], .badOption), ([1, 255, 0, 0, 0, 0, 0, 0], .badOption),
      ([1], .badOption), ([1, 1, 0, 0, 0, 0, 0], .badOption),
      ((0..<64).flatMap { _ in padding }, .tooMany),
    ] as [([UInt8], Malformed)] {
      let bytes = advertisement(padding + tail)
      #expect(refusal { _ = try RouterAdvertisement(parsing: bytes.span, in: header()) } == reason)
    }
    let most = advertisement((0..<64).flatMap { _ in padding })
    #expect(refusal { _ = try RouterAdvertisement(parsing: most.span, in: header()) } == nil)
  }

  @Test("ND-2: what came through a router, with a code, or with a wrong checksum is discarded")
  func envelopes() {
    let bytes = advertisement([])
    for hopLimit in 0..<255 {
      let around = header(hopLimit: UInt8(hopLimit))
      #expect(
        refusal { _ = try RouterAdvertisement(parsing: bytes.span, in: around) } == .badHopLimit)
    }
    var coded = bytes
    coded[1] = 1
    #expect(refusal { _ = try RouterAdvertisement(parsing: coded.span, in: header()) } == .badType)
    var wrong = bytes
    wrong[7] ^= 1
    #expect(
      refusal { _ = try RouterAdvertisement(parsing: wrong.span, in: header()) } == .badChecksum)
    #expect(
      refusal {
        _ = try RouterAdvertisement(parsing: bytes.span, in: header(from: Sample.client6))
      } != nil)
    for length in 0..<16 {
      let cut = Array(bytes[..<length])
      #expect(
        refusal { _ = try RouterAdvertisement(parsing: cut.span, in: header()) } == .truncated)
    }
  }

  @Test("ND-2: groups as targets, probes with an address option and solicited answers to all")
  func addresses() {
    func solicitation(
      _ value: NeighborSolicitation, from source: IPv6Address, to destination: IPv6Address
    ) -> Malformed? {
      let bytes = written(value.size) {
        value.write(into: &$0, source: source, destination: destination)
      }
      let around = header(from: source, to: destination)
      return refusal { _ = try NeighborSolicitation(parsing: bytes.span, in: around) }
    }
    let group = target.solicitedNode
    let probe = NeighborSolicitation(target: target)
    #expect(solicitation(probe, from: .any, to: group) == nil)
    #expect(solicitation(probe, from: .any, to: target) == .badAddress)
    let telling = NeighborSolicitation(
      target: target, sourceLinkLayerAddress: Sample.clientStation)
    #expect(solicitation(telling, from: .any, to: group) == .badOption)
    #expect(solicitation(telling, from: Sample.client6, to: group) == nil)
    let all = NeighborSolicitation(target: Sample.allNodes)
    #expect(solicitation(all, from: Sample.client6, to: group) == .badAddress)

    let answer = NeighborAdvertisement(
      target: target, isSolicited: true, overrides: true, targetLinkLayerAddress: nil)
    let bytes = written(24) {
      answer.write(into: &$0, source: Sample.router6, destination: Sample.allNodes)
    }
    #expect(
      refusal { _ = try NeighborAdvertisement(parsing: bytes.span, in: header()) } == .badValue)
  }

  @Test("ND-3: a resolver option of even length is passed over, one of odd length is read")
  func resolvers() throws {
    let address = [UInt8](repeating: 0x20, count: 16)
    let head: [UInt8] = [25, 0, 0, 0, 0, 0, 0, 9]
    var even = head + address + [UInt8](repeating: 0, count: 8)
    even[1] = 4
    #expect(try options(advertisement(even)) == [])
    var odd = head + address + address
    odd[1] = 5
    let server = NeighborDiscoveryOption.recursiveNameServer(
      IPv6Address(high: 0x2020_2020_2020_2020, low: 0x2020_2020_2020_2020), lifetime: 9)
    let mtu: [UInt8] = [5, 1, 0, 0, 0, 0, 5, 0]
    #expect(try options(advertisement(odd + odd + mtu)).count == 5)
    #expect(try options(advertisement(odd)) == [server, server])
    var empty = head
    empty[1] = 1
    #expect(try options(advertisement(empty)) == [])
  }

  @Test("ND-4: prefixes beyond 128 bits or preferred longer than valid are passed over")
  func prefixes() throws {
    for (length, valid, preferred, isFine) in [
      (0, 0, 0, true), (128, .max, .max, true), (129, 9, 9, false), (255, 9, 9, false),
      (64, 5, 6, false), (64, .max, 0, true), (64, 0, .max, false),
    ] as [(UInt8, UInt32, UInt32, Bool)] {
      let prefix = PrefixInformation(
        prefix: .any, prefixLength: length, validLifetime: valid, preferredLifetime: preferred)
      let found = try options(advertisement(written(32) { prefix.write(into: &$0) }))
      #expect(found == (isFine ? [.prefixInformation(prefix)] : []))
    }
    var long = [UInt8](repeating: 0, count: 40)
    long[0] = 3
    long[1] = 5
    #expect(try options(advertisement(long)) == [])
  }

  @Test("ND-5: a link-layer address option counts only with the exact length of Ethernet")
  func linkLayerAddresses() throws {
    for units in 1...3 {
      for kind: UInt8 in [1, 2] {
        var option = [UInt8](repeating: 7, count: units * 8)
        option[0] = kind
        option[1] = UInt8(units)
        #expect(try options(advertisement(option)).count == (units == 1 ? 1 : 0))
      }
    }
  }

  @Test("a redirect keeps the flow it quotes, and only from and to where it may point")
  func redirects() throws {
    let quoted = Sample.ipv6(.tcp, Sample.tcp())
    var option: [UInt8] = [4, UInt8((quoted.count + 8 + 7) / 8), 0, 0, 0, 0, 0, 0]
    option += quoted
    option += [UInt8](repeating: 0, count: Int(option[1]) * 8 - option.count)
    let redirect = RedirectMessage(target: Sample.router6, destination: target)
    var bytes = written(40) {
      redirect.write(into: &$0, source: Sample.router6, destination: Sample.client6)
    }
    bytes += option
    var span = bytes.mutableSpan
    ICMPv6Message.fillChecksum(in: &span, source: Sample.router6, destination: Sample.client6)
    let around = header(to: Sample.client6)
    #expect(try RedirectMessage(parsing: bytes.span, in: around).redirected?.sourcePort == 43_210)
    for (target, destination) in [
      (Sample.client6, Sample.server6), (Sample.router6, Sample.allNodes),
    ] {
      let wrong = RedirectMessage(target: target, destination: destination)
      let message = written(40) {
        wrong.write(into: &$0, source: Sample.router6, destination: Sample.client6)
      }
      #expect(
        refusal { _ = try RedirectMessage(parsing: message.span, in: around) } == .badAddress)
    }
  }
}
