extension IPv6Address: CustomStringConvertible {
  /// The one canonical form (RFC 5952): lower case, the longest run of zero groups as `::`, an
  /// IPv4-mapped address with its last 32 bits in dotted decimal.
  public var description: String {
    if let ipv4 { return "::ffff:" + ipv4.description }
    let run = longestZeroRun
    var text = ""
    var index = 0
    while index < 8 {
      if index == run.start, run.count > 1 {
        text += "::"
        index &+= run.count
      } else {
        if index > 0, !(run.count > 1 && index == run.start &+ run.count) { text += ":" }
        text.appendHexadecimal(UInt32(group(index)))
        index &+= 1
      }
    }
    return text
  }

  /// RFC 5952 §4.2.3: of runs of the same length the first.
  private var longestZeroRun: (start: Int, count: Int) {
    var longest = (start: 0, count: 0)
    var count = 0
    for index in 0..<8 {
      count = group(index) == 0 ? count &+ 1 : 0
      if count > longest.count { longest = (index &+ 1 &- count, count) }
    }
    return longest
  }

  /// Reads all forms of RFC 4291 §2.2: full, with `::`, with an IPv4 address at the end. Zones
  /// belong to socket addresses, see ``SocketAddress/init(parsingAddress:port:zones:)``.
  public init(parsing text: some StringProtocol) throws(AddressError) {
    self = try AddressError.read(text, as: .ipv6Address) { (reader) throws(AddressError.Reason) in
      try reader.ipv6Address()
    }
  }

  /// - Returns: nothing where ``init(parsing:)`` throws.
  public init?(_ text: some StringProtocol) {
    guard let address = try? Self(parsing: text) else { return nil }
    self = address
  }
}

extension AddressReader {
  mutating func ipv6Address() throws(AddressError.Reason) -> IPv6Address {
    var groups = IPv6Groups()
    var owesGroup = true
    if take(":") {
      try expect(":")
      groups.markGap()
      owesGroup = false
    }
    while next?.hexadecimalDigit != nil {
      let start = position
      let group = try hexadecimalGroup()
      if next == "." {
        rewind(to: start)
        let address = try ipv4Address()
        try groups.append(UInt16(truncatingIfNeeded: address.rawValue >> 16))
        try groups.append(UInt16(truncatingIfNeeded: address.rawValue))
        owesGroup = false
        break
      }
      try groups.append(group)
      owesGroup = take(":")
      guard owesGroup else { break }
      if take(":") {
        guard !groups.hasGap else { throw .secondCompression }
        groups.markGap()
        owesGroup = false
      }
    }
    if owesGroup { throw surprise }
    guard let address = groups.address else { throw isAtBoundary ? .groupCount : surprise }
    return address
  }

  private mutating func hexadecimalGroup() throws(AddressError.Reason) -> UInt16 {
    var value: UInt16 = 0
    var digits = 0
    while let digit = hexadecimalDigit() {
      digits &+= 1
      guard digits <= 4 else { throw .groupTooLong }
      value = value << 4 | UInt16(digit)
    }
    return value
  }
}

/// The groups read so far: those after the gap are kept apart, at the right end of the address.
private struct IPv6Groups {
  private var front = IPv6Address.any
  private var back = IPv6Address.any
  private var frontCount = 0
  private var backCount = 0
  private(set) var hasGap = false

  mutating func markGap() { hasGap = true }

  mutating func append(_ group: UInt16) throws(AddressError.Reason) {
    guard frontCount &+ backCount < 8 else { throw .groupCount }
    if hasGap {
      back = back.appending(group)
      backCount &+= 1
    } else {
      front = front.appending(group)
      frontCount &+= 1
    }
  }

  /// RFC 4291 §2.2: a gap stands for one group or more; without it there are eight.
  var address: IPv6Address? {
    guard hasGap ? frontCount &+ backCount < 8 : frontCount == 8 else { return nil }
    var address = front
    var count = frontCount
    while count < 8 {
      address = address.appending(0)
      count &+= 1
    }
    return IPv6Address(high: address.high | back.high, low: address.low | back.low)
  }
}

extension IPv6Address {
  /// Moves everything one group to the left and puts this one at the end.
  fileprivate func appending(_ group: UInt16) -> Self {
    Self(high: high << 16 | low >> 48, low: low << 16 | UInt64(group))
  }
}
