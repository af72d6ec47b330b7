public import SystemPackage

/// An open file descriptor with one owner, closed when its owner lets go.
///
/// Sharing one between threads is safe for as long as somebody owns it: everything here only
/// borrows the number.
public struct Descriptor: ~Copyable, Sendable {
  /// The number, for calls this module does not make. Closing it is the owner's business alone.
  public let fileDescriptor: FileDescriptor

  /// Takes over a descriptor that is open and that nobody else will close.
  public init(owning fileDescriptor: FileDescriptor) {
    self.fileDescriptor = fileDescriptor
  }

  deinit {
    // A deinit has nobody to tell; `close()` is for owners who want to know.
    try? fileDescriptor.close()
  }

  /// Closes the descriptor now.
  ///
  /// - Throws: what the kernel reports of a write it could not finish; the descriptor is closed
  ///   all the same.
  public consuming func close() throws(SystemError) {
    let fileDescriptor = self.fileDescriptor
    discard self
    try Syscalls.close(fileDescriptor)
  }
}
