import SystemPackage

/// This process's standard streams. Reading and writing block.
public enum HostStream {
  case input, output

  /// Reads what there is, at most `bytes.count` bytes; zero at the end.
  public func read(into bytes: inout MutableSpan<UInt8>) throws(SystemError) -> Int {
    try Syscalls.readStream(.standardInput, into: &bytes)
  }

  /// Writes all of `bytes` to standard output.
  public func write(_ bytes: Span<UInt8>) throws(SystemError) {
    try Syscalls.writeAll(.standardOutput, bytes)
  }
}
