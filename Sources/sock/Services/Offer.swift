import Addresses
import Logging
import Sockets

/// A service, where it is offered, and what it has done.
///
/// The task of a connection that waits keeps the frames of all calls it is in, so those on the way
/// to a read hold little.
final class Offer: Sendable {
  let service: Service
  let endpoint: Endpoint
  let tally = Tally()
  /// Whether to say a line about each connection.
  let reportsConnections: Bool
  let logger: Logger

  private static let buffers = BufferPool()

  init(
    _ service: Service, _ endpoint: Endpoint, reportsConnections: Bool, _ logger: Logger
  ) {
    self.logger = logger
    self.service = service
    self.endpoint = endpoint
    self.reportsConnections = reportsConnections
  }

  /// What it has done, in one line.
  var summary: String {
    let counts = tally.now
    let units =
      endpoint.transport == .udp
      ? "\(counts.datagrams) datagrams" : "\(counts.connections) connections"
    return "\(service.name) \(endpoint) total: \(units), \(counts.bytesIn) bytes in, "
      + "\(counts.bytesOut) bytes out"
  }

  /// Takes connections until the listener closes or the task is cancelled, and returns when all
  /// have ended.
  ///
  /// - Parameter executor: the node's, for the tasks of the connections.
  /// - Throws: why the listener cannot go on; the connections are given up first.
  func serve(
    _ listener: TCPListener, on executor: any TaskExecutor
  ) async throws(SocketError) {
    let handlers = HandlerTasks()
    let failure = await withTaskCancellationHandler { () -> SocketError? in
      var failure: SocketError?
      do throws(SocketError) {
        for try await connection in listener.connections {
          handlers.begin(answering: connection) { place in
            Task(executorPreference: executor) {
              connection.beginHandling()
              await self.serve(connection)
              connection.endHandling()
              handlers.end(place)
            }
          }
        }
      } catch {
        handlers.cancelAll()
        if error.reason != .cancelled { failure = error }
      }
      await handlers.wait(untilFewerThan: 1)
      return failure
    } onCancel: {
      handlers.cancelAll()
    }
    if let failure { throw failure }
  }

  /// Serves one connection to its end; its errors are its own.
  private func serve(_ connection: TCPConnection) async {
    note(connection)
    var traffic = Traffic()
    switch service {
    case .echo: await echo(connection, &traffic)
    case .discard: await discard(connection, &traffic)
    case .generate: await generate(connection, &traffic)
    case .files: await serveFiles(connection, &traffic)
    }
    connection.close()
    finish(connection, traffic)
  }

  /// What one connection has carried.
  private struct Traffic {
    var bytesIn: Int64 = 0
    var bytesOut: Int64 = 0
    /// Why it ended, unless in order.
    var end: SocketError?
  }

  @inline(never)
  private func note(_ connection: TCPConnection) {
    tally.add { $0.connections += 1 }
    logger.debug("connection accepted", metadata: metadata(connection))
  }

  @inline(never)
  private func finish(_ connection: TCPConnection, _ traffic: Traffic) {
    tally.add { counts in
      counts.bytesIn += traffic.bytesIn
      counts.bytesOut += traffic.bytesOut
    }
    if let end = traffic.end {
      logger.info(
        "connection broke",
        metadata: metadata(connection).merging(["reason": "\(end.reason)"]) { old, _ in old })
    } else {
      logger.debug("connection ended", metadata: metadata(connection))
    }
    guard reportsConnections else { return }
    let end = traffic.end.map { " (\($0.reason))" } ?? ""
    Console.say(
      "\(service.name) \(connection.remote): \(traffic.bytesIn) bytes in, "
        + "\(traffic.bytesOut) bytes out\(end)")
  }

  private func metadata(_ connection: TCPConnection) -> Logger.Metadata {
    ["service": "\(service.name)", "remote": "\(connection.remote)"]
  }

  @inline(never)
  private func echo(_ connection: TCPConnection, _ traffic: inout Traffic) async {
    var buffer = Buffer(Self.buffers)
    do throws(SocketError) {
      while true {
        let count = try await buffer.fill(from: connection)
        if count == 0 { break }
        traffic.bytesIn += Int64(count)
        let written = try connection.tryWrite(buffer.bytes.span.extracting(first: count))
        if written < count {
          try await connection.write(buffer.bytes.span.extracting(written..<count))
        }
        traffic.bytesOut += Int64(count)
        buffer.grow(after: count)
      }
      try await connection.shutdownSend()
    } catch {
      traffic.end = error
    }
  }

  @inline(never)
  private func discard(_ connection: TCPConnection, _ traffic: inout Traffic) async {
    var buffer = Buffer(Self.buffers)
    do throws(SocketError) {
      while true {
        let count = try await buffer.fill(from: connection)
        if count == 0 { return }
        traffic.bytesIn += Int64(count)
        buffer.grow(after: count)
      }
    } catch {
      traffic.end = error
    }
  }

  @inline(never)
  private func generate(_ connection: TCPConnection, _ traffic: inout Traffic) async {
    let pattern = Self.pattern
    do throws(SocketError) {
      while true {
        try await connection.write(pattern)
        traffic.bytesOut += Int64(pattern.count)
      }
    } catch {
      traffic.end = error
    }
  }

  @inline(never)
  private func serveFiles(_ connection: TCPConnection, _ traffic: inout Traffic) async {
    guard case .files(let tree) = service else { return }
    var client = HTTPConnection(connection, tree)
    do throws(SocketError) {
      try await client.serve()
    } catch {
      traffic.end = error
    }
    traffic.bytesOut = client.written
  }

  /// The printable characters, in lines of 72 that begin one character later each (RFC 864 §2).
  static let pattern: [UInt8] = {
    var lines: [UInt8] = []
    for line in 0..<95 * 36 {
      for column in 0..<72 { lines.append(UInt8(0x20 + (line + column) % 95)) }
      lines += [0x0D, 0x0A]
    }
    return lines
  }()
}
