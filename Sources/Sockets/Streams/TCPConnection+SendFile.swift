import Host
public import SystemPackage

extension TCPConnection {
  /// Writes a file, or a part of it.
  ///
  /// On the kernel's sockets the kernel sends it, and the process never sees its bytes
  /// (`sendfile(2)`); what is not in memory yet is fetched away from the node's thread. Everywhere
  /// else, and where the kernel refuses, it is read and written. Cancelled or out of time, it may
  /// have written some of it, as ``write(_:timeout:)``.
  ///
  /// - Parameters:
  ///   - path: the file's.
  ///   - offset: the byte to begin with.
  ///   - count: the bytes to write; nil for all there are. A file that ends before is no error.
  ///   - timeout: for all of it.
  /// - Returns: the bytes written.
  /// - Throws: what the file system says, as ``SocketError/Reason/system(errno:_:)``.
  @discardableResult
  public func sendFile(
    _ path: String, from offset: Int64 = 0, count: Int64? = nil, timeout: Duration? = nil
  ) async throws(SocketError) -> Int64 {
    let part = try SentFile.Part(path, from: offset, count)
    let time = TimeAllowed(timeout, on: clock)
    return try await send(.open(path, clock), part, time)
  }

  /// As ``sendFile(_:from:count:timeout:)-(String,_,_,_)``, of a file that is open, to read from.
  ///
  /// - Parameter file: stays the caller's, who closes it when this has returned, however it does.
  ///   Its own position is neither used nor moved.
  @discardableResult
  public func sendFile(
    _ file: FileDescriptor, from offset: Int64 = 0, count: Int64? = nil, timeout: Duration? = nil
  ) async throws(SocketError) -> Int64 {
    let file = SentFile(borrowed: file, clock)
    let part = try SentFile.Part(file.name, from: offset, count)
    return try await send(file, part, TimeAllowed(timeout, on: clock))
  }

  private func send(
    _ file: SentFile, _ part: SentFile.Part, _ time: TimeAllowed
  ) async throws(SocketError) -> Int64 {
    var part = part
    if let stream = implementation as? any SplicingStream {
      do throws(SocketError.Reason) {
        try await Self.send(file, &part, through: stream, time)
        return part.sent
      } catch {
        guard error == .unsupported else { throw failure(.write, error) }
      }
    }
    var buffer: [UInt8] = []
    while part.next > 0 {
      let count = try await file.read(part, into: &buffer)
      if count == 0 { break }
      try await write(buffer.span.extracting(first: count), timeout: time.left)
      part.sent += Int64(count)
    }
    return part.sent
  }

  private static func send(
    _ file: SentFile, _ part: inout SentFile.Part, through stream: any SplicingStream,
    _ time: TimeAllowed
  ) async throws(SocketError.Reason) {
    var patience = Patience.brief
    while part.next > 0 {
      switch try await file.send(part, through: stream) {
      case .done(0): return
      case .done(let count): part.sent += Int64(count)
      case .wouldBlock, .elsewhere:
        try await stream.wait(.writing, until: time.deadline, &patience)
      }
    }
  }
}
