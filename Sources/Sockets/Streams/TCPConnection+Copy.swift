extension TCPConnection {
  /// Writes to `destination` what comes from `source`, until the end of its stream. Does not end
  /// the destination's: ``shutdownSend()`` does.
  ///
  /// From one of the kernel's connections to another, much at once goes through a pipe
  /// (`splice(2)`), and the process never sees it; little, and everything else, is read and
  /// written. The pipe's two descriptors are closed when little comes, or nothing for a second;
  /// where there are none left, it is done without.
  ///
  /// Cancelled, it may have read bytes that it did not write: both connections are of use no more,
  /// unless the protocol in them can tell.
  ///
  /// - Returns: the bytes written.
  @discardableResult
  public static func copy(
    from source: TCPConnection, to destination: TCPConnection
  ) async throws(SocketError) -> UInt64 {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var total: UInt64 = 0
    var maySplice = true
    while true {
      var span = buffer.mutableSpan
      let count = try await source.read(into: &span)
      if count == 0 { return total }
      try await destination.write(buffer.span.extracting(first: count))
      total += UInt64(count)
      guard maySplice, count >= Splice.much else { continue }
      guard let splice = Splice(from: source, to: destination) else {
        maySplice = false
        continue
      }
      switch try await splice.run(&total) {
      case .stream: return total
      case .little: break
      case .refusal: maySplice = false
      }
    }
  }

  /// Carries bytes both ways between two connections until both streams have ended, the end of each
  /// being passed on: what a port forwarder does.
  ///
  /// When either way fails, or the task is cancelled, the other way is given up too, and both
  /// connections are aborted.
  public static func relay(
    between first: TCPConnection, and second: TCPConnection
  ) async throws(SocketError) {
    let outcome = await withTaskGroup(of: SocketError?.self) { group in
      for (source, destination) in [(first, second), (second, first)] {
        group.addTask {
          do throws(SocketError) {
            try await copy(from: source, to: destination)
            try await destination.shutdownSend()
            return nil
          } catch {
            return error
          }
        }
      }
      for await failure in group {
        guard let failure else { continue }
        group.cancelAll()
        first.abort()
        second.abort()
        return SocketError?.some(failure)
      }
      return nil
    }
    if let outcome { throw outcome }
  }
}
