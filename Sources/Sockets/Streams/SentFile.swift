import Host
import SystemPackage

/// A file that is sent. Where its bytes are not in memory, it is read on the threads of the
/// concurrency library, which may block for a disk.
final class SentFile: Sendable {
  /// What errors call it.
  let name: String
  private let descriptor: FileDescriptor
  /// That of the node it is sent by.
  private let clock: NodeClock
  /// Nothing where it is the caller's.
  private let owned: HostFile?

  /// What of it is sent, and how far that is.
  struct Part: Sendable {
    /// The most bytes sent at a time.
    private static let chunk: Int64 = 262_144
    private let start: Int64
    private let count: Int64
    var sent: Int64 = 0

    /// - Parameter count: nil for all there is.
    init(_ name: String, from start: Int64, _ count: Int64?) throws(SocketError) {
      guard start >= 0, count ?? 0 >= 0 else {
        throw SocketError(.readFile(name), reason: .invalidOperation)
      }
      self.start = start
      self.count = min(count ?? .max, .max - start)
    }

    /// Where the bytes to be sent next begin.
    var position: Int64 { start + sent }
    /// How many they may be; zero when all are sent.
    var next: Int { Int(min(Self.chunk, count - sent)) }
    /// Where they lie.
    var range: Range<Int64> { position..<position + Int64(next) }
  }

  init(borrowed descriptor: FileDescriptor, _ clock: NodeClock) {
    self.descriptor = descriptor
    self.clock = clock
    name = "descriptor \(descriptor.rawValue)"
    owned = nil
  }

  private init(_ path: String, _ clock: NodeClock) throws(SystemError) {
    self.clock = clock
    let file = try HostFile(reading: path)
    descriptor = file.descriptor.fileDescriptor
    name = path
    owned = consume file
  }

  static func open(_ path: String, _ clock: NodeClock) async throws(SocketError) -> SentFile {
    try await elsewhere(clock) { () throws(SocketError) in
      do throws(SystemError) {
        return try SentFile(path, clock)
      } catch {
        throw SocketError(.readFile(path), reason: SocketError.Reason(error))
      }
    }
  }

  /// Has the kernel send what comes next.
  func send(
    _ part: Part, through stream: any SplicingStream
  ) async throws(SocketError.Reason) -> Attempt<Int> {
    if HostFile.isCached(descriptor, part.range) {
      return try stream.trySend(descriptor, from: part.position, upTo: part.next)
    }
    return try await Self.elsewhere(clock) { () throws(SocketError.Reason) in
      try stream.trySend(self.descriptor, from: part.position, upTo: part.next)
    }
  }

  /// Reads what comes next to the front of `bytes`, which grow as needed.
  ///
  /// - Returns: how many bytes; zero at the end of the file.
  func read(_ part: Part, into bytes: inout [UInt8]) async throws(SocketError) -> Int {
    if HostFile.isCached(descriptor, part.range) { return try read(part, to: &bytes) }
    let answer = try await Self.elsewhere(clock) { () throws(SocketError) in
      var bytes: [UInt8] = []
      let count = try self.read(part, to: &bytes)
      return (bytes: bytes, count: count)
    }
    bytes = answer.bytes
    return answer.count
  }

  private func read(_ part: Part, to bytes: inout [UInt8]) throws(SocketError) -> Int {
    if bytes.count < part.next { bytes = [UInt8](repeating: 0, count: part.next) }
    var span = bytes.mutableSpan
    var room = span._mutatingExtracting(first: part.next)
    do throws(SystemError) {
      return try HostFile.read(descriptor, into: &room, at: part.position)
    } catch {
      throw SocketError(.readFile(name), reason: SocketError.Reason(error))
    }
  }

  /// Runs `body` where a task's preference, the node's thread perhaps, does not put it. By the
  /// node's clock, if that is a virtual one, it takes no time.
  private static func elsewhere<Value: Sendable, Failure: Error>(
    _ clock: NodeClock, _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result = await clock.standingStill {
      await Task.detached(executorPreference: globalConcurrentExecutor) {
        () -> Result<Value, Failure> in
        do throws(Failure) {
          return .success(try body())
        } catch {
          return .failure(error)
        }
      }.value
    }
    return try result.get()
  }
}
