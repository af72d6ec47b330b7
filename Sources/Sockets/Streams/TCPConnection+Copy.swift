import Host
import Packets

extension TCPConnection {
  /// Writes to `destination` what comes from `source`, until the end of its stream. Does not end
  /// the destination's: ``shutdownSend()`` does.
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
    while true {
      var span = buffer.mutableSpan
      let count = try await source.read(into: &span)
      if count == 0 { return total }
      try await destination.write(buffer.span.extracting(first: count))
      total += UInt64(count)
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

  /// Writes a file, or a part of it.
  ///
  /// The file is read away from the node's thread. Cancelled or out of time, it may have written
  /// some of it, as ``write(_:timeout:)``.
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
    guard offset >= 0, count ?? 0 >= 0 else {
      throw SocketError(.readFile(path), reason: .invalidOperation)
    }
    let time = TimeAllowed(timeout, on: clock)
    let file = try await OpenFile.open(path)
    var total: Int64 = 0
    while true {
      let most = min(Int64(OpenFile.chunk), (count ?? .max) - total)
      if most == 0 { return total }
      let bytes = try await file.read(Int(most), at: offset + total)
      if bytes.isEmpty { return total }
      try await write(bytes.span, timeout: time.left)
      total += Int64(bytes.count)
    }
  }
}

/// A file that is read on the threads of the concurrency library, which may block for a disk.
private final class OpenFile: Sendable {
  /// The bytes read at a time.
  static let chunk = 262_144
  private let path: String
  private let file: HostFile

  private init(_ path: String) throws(SystemError) {
    self.path = path
    file = try HostFile(reading: path)
  }

  @concurrent static func open(_ path: String) async throws(SocketError) -> OpenFile {
    try await elsewhere { () throws(SocketError) in
      do throws(SystemError) {
        return try OpenFile(path)
      } catch {
        throw SocketError(.readFile(path), reason: SocketError.Reason(error))
      }
    }
  }

  @concurrent func read(_ count: Int, at offset: Int64) async throws(SocketError) -> [UInt8] {
    try await Self.elsewhere { () throws(SocketError) in
      var bytes = [UInt8](repeating: 0, count: count)
      do throws(SystemError) {
        var span = bytes.mutableSpan
        let length = try self.file.read(into: &span, at: offset)
        bytes.removeLast(count - length)
      } catch {
        throw SocketError(.readFile(self.path), reason: SocketError.Reason(error))
      }
      return bytes
    }
  }

  /// Runs `body` where a task's preference, the node's thread perhaps, does not put it.
  private static func elsewhere<Value: Sendable>(
    _ body: @escaping @Sendable () throws(SocketError) -> Value
  ) async throws(SocketError) -> Value {
    let task = Task.detached(executorPreference: globalConcurrentExecutor) {
      () -> Result<Value, SocketError> in
      do throws(SocketError) {
        return .success(try body())
      } catch {
        return .failure(error)
      }
    }
    return try await task.value.get()
  }
}
