extension IPv4Header {
  /// Walks the options (RFC 791 §3.1, pages 15 to 23) and refuses those that contradict
  /// themselves. At most 40 steps.
  ///
  /// - Returns: whether a source route is among them.
  static func checkOptions(_ options: Span<UInt8>) throws(Malformed) -> Bool {
    var hasSourceRoute = false
    var offset = 0
    while offset < options.count {
      let kind = options.uint8(at: offset)
      if kind == 0 { break }
      if kind == 1 {
        offset &+= 1
        continue
      }
      guard offset &+ 1 < options.count else { throw .badOption }
      let length = Int(options.uint8(at: offset &+ 1))
      guard length >= 2, length <= options.count &- offset else { throw .badOption }
      try checkOption(kind: kind, options.slice(from: offset, length: length))
      if kind == 131 || kind == 137 { hasSourceRoute = true }
      offset &+= length
    }
    return hasSourceRoute
  }

  private static func checkOption(kind: UInt8, _ option: Span<UInt8>) throws(Malformed) {
    let pointer = Int(option.uint8(at: 2))
    switch kind {
    case 7, 131, 137:
      // Record Route, Loose and Strict Source Route: a pointer to the next slot of four bytes.
      guard option.count >= 3, pointer >= 4, pointer <= option.count &+ 1 else {
        throw .badOption
      }
    case 68:
      // Timestamp: pointer, then a count of the hosts that found no room any more.
      guard option.count >= 4, pointer >= 5, pointer <= option.count &+ 1 else {
        throw .badOption
      }
      let isFull = pointer > option.count
      guard !isFull || option.uint8(at: 3) &>> 4 != 15 else { throw .badOption }
    default: break
    }
  }
}
