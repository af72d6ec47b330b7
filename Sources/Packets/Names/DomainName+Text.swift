public import Addresses

extension DomainName {
  /// Reads a name as people write it, with or without the last dot: `www.example.org`. A backslash
  /// takes a byte that would end a label, or three decimal digits of any (RFC 1035 §5.1).
  ///
  /// - Returns: nothing where a label is empty or too long, the whole is too long, or a character
  ///   is no printable ASCII (international names are given in their `xn--` form).
  public init?(_ text: some StringProtocol) {
    if text == "." {
      self = .root
      return
    }
    var name = Self.root
    var label: [UInt8] = []
    var bytes = text.utf8.makeIterator()
    var isComplete = false
    while let byte = bytes.next() {
      isComplete = false
      if byte == UInt8(ascii: ".") {
        guard let longer = name.appending(label: label) else { return nil }
        name = longer
        label = []
        isComplete = true
      } else if byte == UInt8(ascii: "\\") {
        guard let first = bytes.next() else { return nil }
        guard let digit = first.decimalDigit else {
          label.append(first)
          continue
        }
        guard let second = bytes.next()?.decimalDigit, let third = bytes.next()?.decimalDigit
        else { return nil }
        let value = digit &* 100 &+ second &* 10 &+ third
        guard value < 256 else { return nil }
        label.append(UInt8(truncatingIfNeeded: value))
      } else {
        guard byte > 0x20, byte < 0x7F else { return nil }
        label.append(byte)
      }
      guard label.count <= Self.longestLabel else { return nil }
    }
    if !isComplete {
      guard let longer = name.appending(label: label) else { return nil }
      name = longer
    }
    self = name
  }

  /// The name under which an address's own name is found (RFC 1035 §3.5, RFC 3596 §2.5).
  public init(reverseOf address: IPAddress) {
    var labels: [[UInt8]] = []
    switch address {
    case .v4(let address):
      for shift: UInt32 in [0, 8, 16, 24] {
        labels.append(Array(String(address.rawValue >> shift & 0xFF).utf8))
      }
      labels.append(Array("in-addr".utf8))
    case .v6(let address):
      for half in [address.low, address.high] {
        for shift: UInt64 in 0..<16 {
          labels.append(Array(String(half >> (shift &* 4) & 0xF, radix: 16).utf8))
        }
      }
      labels.append(Array("ip6".utf8))
    }
    labels.append(Array("arpa".utf8))
    var name = Self.root
    for label in labels { name = name.appending(label: label) ?? name }
    self = name
  }

  private func appending(label: [UInt8]) -> DomainName? {
    guard !label.isEmpty, label.count <= Self.longestLabel else { return nil }
    var offset = 0
    var one = [UInt8(truncatingIfNeeded: label.count)]
    one.append(contentsOf: label)
    one.append(0)
    guard let name = try? DomainName(parsing: one.span, at: &offset) else { return nil }
    return appending(name)
  }
}

extension DomainName: CustomStringConvertible {
  /// Without the last dot, but for the root, which is `.`; whatever is no printable ASCII, or would
  /// be read otherwise, behind a backslash.
  public var description: String {
    if wire.count <= 1 { return "." }
    var text: [UInt8] = []
    var position = 0
    while position < wire.count, wire[position] != 0 {
      if position > 0 { text.append(UInt8(ascii: ".")) }
      let end = min(position &+ 1 &+ Int(wire[position]), wire.count)
      for byte in wire[(position &+ 1)..<end] {
        if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "\\") {
          text.append(UInt8(ascii: "\\"))
          text.append(byte)
        } else if byte > 0x20, byte < 0x7F {
          text.append(byte)
        } else {
          text.append(UInt8(ascii: "\\"))
          for divisor: UInt8 in [100, 10, 1] {
            text.append(UInt8(ascii: "0") &+ byte / divisor % 10)
          }
        }
      }
      position = end
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension UInt8 {
  fileprivate var decimalDigit: Int? {
    self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") ? Int(self &- UInt8(ascii: "0")) : nil
  }
}
