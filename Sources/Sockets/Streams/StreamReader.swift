import Packets

/// Reads a stream in the pieces its protocol speaks of: lines, delimited messages, fixed counts.
///
/// What came beyond a piece is kept for the next, so everything that follows has to be read here
/// and not from the connection. Nothing is lost when a call is cancelled or runs out of time
/// either: what it had gathered stays, and the same call may be made again.
///
/// ```
/// var reader = StreamReader(connection)
/// while let line = try await reader.readLine() { print(line) }
/// ```
public struct StreamReader: ~Copyable {
  /// Where the bytes come from.
  public let connection: TCPConnection
  /// The bytes a line or a delimited message may have, its end not counted.
  public let limit: Int
  /// What was read from the connection; given out up to `start`.
  private var bytes: [UInt8] = []
  private var start = 0
  /// The peer's stream has ended.
  private var hasEnded = false

  /// - Parameter limit: the bytes a line or a delimited message may have; memory in proportion to
  ///   it is all that a peer can make the reader take.
  public init(_ connection: TCPConnection, limit: Int = 65_536) {
    self.connection = connection
    self.limit = max(0, limit)
  }

  /// How many bytes were read from the connection and not from here.
  public var bufferedCount: Int { bytes.count - start }

  /// Reads what is there, at least one byte; waits while there is nothing.
  ///
  /// - Returns: the bytes; none at the end of the peer's stream.
  public mutating func read(
    upTo count: Int = 65_536, timeout: Duration? = nil
  ) async throws(SocketError) -> [UInt8] {
    guard count > 0 else { return [] }
    if bufferedCount == 0 { _ = try await gather(timeout) }
    return take(min(count, bufferedCount))
  }

  /// Reads `count` bytes, no more and no fewer.
  ///
  /// - Throws: ``SocketError/Reason/unexpectedEnd`` when the peer's stream ends before; what there
  ///   was of them can still be read.
  public mutating func read(
    exactly count: Int, timeout: Duration? = nil
  ) async throws(SocketError) -> [UInt8] {
    let time = TimeAllowed(timeout, on: connection.clock)
    while bufferedCount < count {
      guard try await gather(time.left) else { throw failure(.unexpectedEnd) }
    }
    return take(max(0, count))
  }

  /// Reads to the next `delimiter`, of any number of bytes, and passes over it. Linear in what is
  /// read, times the delimiter's length where the bytes resemble it.
  ///
  /// - Returns: what stands before the delimiter; nil at the end of the peer's stream.
  /// - Throws: ``SocketError/Reason/messageTooLong`` when there is more than ``limit`` without one,
  ///   and ``SocketError/Reason/unexpectedEnd`` when the stream ends within a message. What was
  ///   gathered stays, to be read otherwise.
  public mutating func read(
    until delimiter: [UInt8], timeout: Duration? = nil
  ) async throws(SocketError) -> [UInt8]? {
    guard let length = try await length(until: delimiter, timeout) else {
      guard bufferedCount == 0 else { throw failure(.unexpectedEnd) }
      return nil
    }
    let message = take(length)
    start += delimiter.count
    return message
  }

  /// Reads a line: to the next line feed, which is passed over with a carriage return before it.
  ///
  /// - Returns: the line, its UTF-8 repaired where it is none; nil at the end of the peer's stream.
  ///   A last line need not be ended.
  /// - Throws: ``SocketError/Reason/messageTooLong`` when the line is longer than ``limit``.
  public mutating func readLine(
    timeout: Duration? = nil
  ) async throws(SocketError) -> String? {
    let length = try await length(until: [UInt8(ascii: "\n")], timeout)
    if length == nil, bufferedCount == 0 { return nil }
    var line = take(length ?? bufferedCount)
    if length != nil { start += 1 }
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    return String(decoding: line, as: UTF8.self)
  }

  /// Reads until `delimiter` is there.
  ///
  /// - Returns: the bytes before it; nil where the stream ends without.
  private mutating func length(
    until delimiter: [UInt8], _ timeout: Duration?
  ) async throws(SocketError) -> Int? {
    guard let first = delimiter.first else { throw failure(.invalidOperation) }
    let time = TimeAllowed(timeout, on: connection.clock)
    var searched = start
    while true {
      while searched + delimiter.count <= bytes.count {
        if bytes[searched] == first,
          bytes[searched..<searched + delimiter.count].elementsEqual(delimiter)
        {
          guard searched - start <= limit else { throw failure(.messageTooLong) }
          return searched - start
        }
        searched += 1
      }
      guard searched - start <= limit else { throw failure(.messageTooLong) }
      let before = start
      guard try await gather(time.left) else { return nil }
      searched -= before - start
    }
  }

  /// Reads some more from the connection.
  ///
  /// - Returns: whether there was more.
  private mutating func gather(_ timeout: Duration?) async throws(SocketError) -> Bool {
    if hasEnded { return false }
    let part = try await connection.read(upTo: 16_384, timeout: timeout)
    bytes.removeFirst(start)
    start = 0
    bytes.append(contentsOf: part)
    hasEnded = part.isEmpty
    return !part.isEmpty
  }

  private mutating func take(_ count: Int) -> [UInt8] {
    let part = Array(bytes[start..<start + count])
    start += count
    return part
  }

  private func failure(_ reason: SocketError.Reason) -> SocketError {
    SocketError(.read, local: connection.local, remote: connection.remote, reason: reason)
  }
}
