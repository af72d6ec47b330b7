/// This machine's cryptographic random numbers (getrandom), the one place chance comes from.
///
/// Waits, once after boot, until the kernel has gathered enough of it.
public enum HostRandom {
  /// Fills `bytes`. Linear in their number.
  public static func fill(_ bytes: inout MutableSpan<UInt8>) throws(SystemError) {
    try Syscalls.fillRandom(&bytes)
  }

  /// 64 random bits: a seed, a secret's half.
  public static func uint64() throws(SystemError) -> UInt64 {
    var bytes: [8 of UInt8] = .init(repeating: 0)
    var span = bytes.mutableSpan
    try Syscalls.fillRandom(&span)
    var value: UInt64 = 0
    for index in bytes.indices { value = value << 8 | UInt64(bytes[index]) }
    return value
  }
}
