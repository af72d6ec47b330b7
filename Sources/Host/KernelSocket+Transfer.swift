internal import CLinux
public import SystemPackage

// The system calls that move bytes between descriptors, without this process seeing them.

/// A pipe of the kernel's that bytes go through on their way from one connection to another.
public struct HostPipe: ~Copyable, Sendable {
  /// Bytes asked for; where memory for pipes is short, it has less.
  public static let size = 262_144

  fileprivate let output: Descriptor
  fileprivate let input: Descriptor

  /// - Throws: `EMFILE`, `ENFILE` where there is no descriptor left.
  public init() throws(Errno) {
    let ends = try Syscalls.openPipe(size: Self.size)
    output = Descriptor(owning: ends.output)
    input = Descriptor(owning: ends.input)
  }
}

extension KernelSocket {
  /// Moves what has arrived to a pipe, which must be empty.
  ///
  /// - Returns: bytes moved, zero at the end of the stream; nil when nothing is there.
  public func splice(into pipe: borrowing HostPipe) throws(Errno) -> Int? {
    let input = pipe.input.fileDescriptor.rawValue
    return try Errno.attempt { clinux_splice_in(number, input, HostPipe.size) }
  }

  /// Moves up to `count` bytes, which must be there, from a pipe to the connection.
  ///
  /// - Returns: bytes taken; nil when there is no room for any.
  public func splice(_ count: Int, from pipe: borrowing HostPipe) throws(Errno) -> Int? {
    let output = pipe.output.fileDescriptor.rawValue
    return try Errno.attempt { clinux_splice_out(output, number, count) }
  }

  /// Sends part of a file. Blocks while the disk does.
  ///
  /// - Returns: bytes taken, zero at the end of the file; nil when there is no room for any.
  public func send(
    _ file: FileDescriptor, from offset: Int64, upTo count: Int
  ) throws(Errno) -> Int? {
    try Errno.attempt { clinux_send_file(number, file.rawValue, offset, count) }
  }
}

extension HostFile {
  /// As ``read(into:at:)``, of a file that is somebody else's.
  public static func read(
    _ file: FileDescriptor, into bytes: inout MutableSpan<UInt8>, at offset: Int64
  ) throws(SystemError) -> Int {
    try Syscalls.readFile(file, into: &bytes, at: offset)
  }

  /// Whether a part of a file seems to be in memory, so that reading it does not wait for the disk.
  /// Looked for are its ends and bytes between, as far apart as what is read ahead.
  public static func isCached(_ file: FileDescriptor, _ range: Range<Int64>) -> Bool {
    guard let last = range.last else { return true }
    var place = range.lowerBound
    while place < last {
      guard clinux_is_cached(file.rawValue, place) != 0 else { return false }
      place += min(131_072, last - place)
    }
    return clinux_is_cached(file.rawValue, last) != 0
  }
}
