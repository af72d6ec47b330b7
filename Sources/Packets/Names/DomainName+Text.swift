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
    // Texts of the address alone, which cannot be too long.
    var text = ""
    switch address {
    case .v4(let address):
      var rest = address.rawValue
      var count = 0
      while count < 4 {
        text += String(rest & 0xFF) + "."
        rest = rest &>> 8
        count &+= 1
      }
      text += "in-addr.arpa"
    case .v6(let address):
      var (rest, next) = (address.low, address.high)
      var count = 0
      while count < 32 {
        if count == 16 { (rest, next) = (next, 0) }
        text += String(rest & 0xF, radix: 16) + "."
        rest = rest &>> 4
        count &+= 1
      }
      text += "ip6.arpa"
    }
    self = DomainName(text) ?? .root
  }

  private func appending(label: [UInt8]) -> DomainName? {
    guard !label.isEmpty, label.count <= Self.longestLabel else { return nil }
    var offset = 0
    var one: [UInt8] = []
    one.append(UInt8(truncatingIfNeeded: label.count))
    one.append(label.span)
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
    let bytes = wire.span
    var text: [UInt8] = []
    var position = 0
    while bytes.uint8(at: position) != 0 {
      if position > 0 { text.append(UInt8(ascii: ".")) }
      let end = position &+ 1 &+ Int(bytes.uint8(at: position))
      position &+= 1
      while position < end {
        Self.append(bytes.uint8(at: position), to: &text)
        position &+= 1
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends a byte of a label as people write it.
  private static func append(_ byte: UInt8, to text: inout [UInt8]) {
    if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "\\") {
      text.append(UInt8(ascii: "\\"))
      text.append(byte)
    } else if byte > 0x20, byte < 0x7F {
      text.append(byte)
    } else {
      text.append(UInt8(ascii: "\\"))
      text.append(UInt8(ascii: "0") &+ byte / 100)
      text.append(UInt8(ascii: "0") &+ byte / 10 % 10)
      text.append(UInt8(ascii: "0") &+ byte % 10)
    }
  }
}

extension UInt8 {
  fileprivate var decimalDigit: Int? {
    self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") ? Int(self &- UInt8(ascii: "0")) : nil
  }
}
