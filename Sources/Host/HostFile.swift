import SystemPackage

/// An open regular file, to read at any place or to write at the end of.
public struct HostFile: ~Copyable, Sendable {
  public let descriptor: Descriptor

  /// What the system says of a file.
  public struct Status: Hashable, Sendable {
    /// What kind of file it is.
    public enum Kind: Hashable, Sendable {
      case regular, directory, other
    }

    public let kind: Kind
    /// Bytes.
    public let size: Int64
    /// When the content last changed, in seconds since 1970 (UTC).
    public let modified: Int64

    public init(kind: Kind, size: Int64, modified: Int64) {
      self.kind = kind
      self.size = size
      self.modified = modified
    }
  }

  /// Opens a file to read. Does not wait where the file is a pipe or a device.
  public init(reading path: String) throws(SystemError) {
    descriptor = try Syscalls.open(path, .readOnly, .openFile)
  }

  /// Opens a file to write, empties it, or creates it with permissions 0644.
  public init(writing path: String) throws(SystemError) {
    descriptor = try Syscalls.create(path)
  }

  /// Takes a name away from a file, if it is there and may be taken away (`unlink`).
  public static func remove(_ path: String) { Syscalls.unlink(path) }

  public func status() throws(SystemError) -> Status {
    try Syscalls.fileStatus(descriptor.fileDescriptor)
  }

  /// Reads up to `bytes.count` bytes from `offset` on; fewer at the end of the file, none beyond
  /// it. Blocks while the disk does.
  public func read(
    into bytes: inout MutableSpan<UInt8>, at offset: Int64
  ) throws(SystemError) -> Int {
    try Syscalls.readFile(descriptor.fileDescriptor, into: &bytes, at: offset)
  }

  /// Appends all of `bytes`.
  public func write(_ bytes: Span<UInt8>) throws(SystemError) {
    try Syscalls.writeAll(descriptor.fileDescriptor, bytes)
  }
}
