extension Packet {
  /// Does in software what a link with checksum offload would do: sums everything from
  /// ``Offload/checksumStart`` on, onto the pseudo-header sum that lies in the field, and stores
  /// the result. Nothing happens where no checksum is owed. Linear in the packet's length.
  ///
  /// - Returns: false where the field lies outside of the packet, which is left as it was.
  @discardableResult
  public mutating func completeChecksum() -> Bool {
    guard offload.needsChecksum else { return true }
    let start = Int(offload.checksumStart)
    let field = start &+ Int(offload.checksumOffset)
    guard field &+ 2 <= count else { return false }
    var sum = InternetChecksum()
    sum.add(bytes.slice(from: start))
    // The all-ones form of zero means the same everywhere, and for UDP it is the only one.
    let value = sum.valueForUDP
    var target = mutableBytes
    target.store(value, at: field)
    offload.needsChecksum = false
    offload.checksumIsValid = true
    return true
  }
}
