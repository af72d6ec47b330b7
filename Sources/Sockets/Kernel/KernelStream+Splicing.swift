import Host
import SystemPackage

// Bytes that the kernel moves.
extension KernelStream: SplicingStream {
  func trySplice(
    into pipe: borrowing HostPipe
  ) throws(SocketError.Reason) -> Attempt<Int?> {
    do throws(SocketError.Reason) {
      return try handle.tryReading { socket throws(Errno) in
        if let ahead { return try splice(ahead, from: socket, into: pipe) }
        // Less than there was room for says nothing: a pipe is full when it has so many pieces.
        return try socket.splice(into: pipe).map { ($0, true) }
      }
    } catch {
      throw error.ofTransfer
    }
  }

  private func splice(
    _ ahead: ReadAhead, from socket: KernelSocket, into pipe: borrowing HostPipe
  ) throws(Errno) -> (value: Int?, mayHaveMore: Bool)? {
    guard let outcome = try ahead.splice(from: socket, into: pipe) else { return (nil, true) }
    if let request = outcome.request { handle.ask(request) }
    return outcome.count.map { ($0, outcome.mayHaveMore) }
  }

  func trySplice(
    _ count: Int, from pipe: borrowing HostPipe
  ) throws(SocketError.Reason) -> Attempt<Int> {
    try handle.tryWriting { socket throws(Errno) in
      if let failure = ahead?.takeFailure() { throw failure }
      let taken = try socket.splice(count, from: pipe)
      if taken == nil { handle.awaitRoom() }
      return taken.map { ($0, true) }
    }
  }

  func trySend(
    _ file: FileDescriptor, from offset: Int64, upTo count: Int
  ) throws(SocketError.Reason) -> Attempt<Int> {
    do throws(SocketError.Reason) {
      return try handle.tryWriting { socket throws(Errno) in
        if let failure = ahead?.takeFailure() { throw failure }
        do throws(Errno) {
          let taken = try socket.send(file, from: offset, upTo: count)
          if taken == nil { handle.awaitRoom() }
          // Less than was asked for may be the end of the file, too.
          return taken.map { ($0, true) }
        } catch {
          // About the file: who reads it can say so. The connection itself is open.
          throw error == .badFileDescriptor || error == .ioError ? .invalidArgument : error
        }
      }
    } catch {
      throw error.ofTransfer
    }
  }
}

extension SocketError.Reason {
  /// What a refusal to move bytes without reading them stands for.
  fileprivate var ofTransfer: Self {
    switch self {
    case .invalidOperation, .permissionDenied: .unsupported
    case .system(let errno, _)
    where [Errno.noFunction, .notSupported].contains(Errno(rawValue: errno)):
      .unsupported
    default: self
    }
  }
}
