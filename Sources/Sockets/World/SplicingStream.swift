package import Host
package import SystemPackage

/// Behind a connection of the kernel's, which moves bytes without showing them to the process.
///
/// What the kernel does not do in this way, and may do by reading and writing, throws
/// ``SocketError/Reason/unsupported``; nothing has been moved then.
package protocol SplicingStream: StreamImplementation {
  /// Moves what has arrived to a pipe, which must be empty.
  ///
  /// - Returns: bytes moved, zero at the end of the stream; nil where what comes next is in the
  ///   process already, for a read.
  func trySplice(
    into pipe: borrowing HostPipe
  ) throws(SocketError.Reason) -> Attempt<Int?>
  /// Moves up to `count` bytes from a pipe that has them.
  func trySplice(
    _ count: Int, from pipe: borrowing HostPipe
  ) throws(SocketError.Reason) -> Attempt<Int>
  /// Sends part of a file. Blocks while the disk does.
  ///
  /// - Returns: bytes taken, zero at the end of the file.
  func trySend(
    _ file: FileDescriptor, from offset: Int64, upTo count: Int
  ) throws(SocketError.Reason) -> Attempt<Int>
}
