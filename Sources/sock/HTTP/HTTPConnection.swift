import Foundation
import Host
import Sockets

/// One client of the file server: requests and answers, one after another.
struct HTTPConnection: ~Copyable {
  private let connection: TCPConnection
  private let files: FileTree
  /// What was read beyond the last head.
  private var unread: [UInt8] = []
  /// Bytes of answers written.
  private(set) var written: Int64 = 0

  /// Silence that ends a connection.
  private static var patience: Duration { .seconds(60) }
  /// What may be sent within that time, at the slowest.
  private static var chunk: Int64 { 256 << 10 }

  init(_ connection: TCPConnection, _ files: FileTree) {
    self.connection = connection
    self.files = files
  }

  /// Serves until the client or an error ends it.
  mutating func serve() async throws(SocketError) {
    while let head = try await nextHead() {
      let request: HTTPRequest
      do {
        request = try HTTPRequest(head: head)
      } catch {
        return try await refuse(error)
      }
      let mayGoOn = try await answer(request)
      guard mayGoOn else { return try await connection.shutdownSend() }
    }
  }

  /// The next head, without its empty line; nil at the end of the stream.
  private mutating func nextHead() async throws(SocketError) -> [UInt8]? {
    while true {
      // RFC 9112 §2.2: empty lines before a request are passed over.
      let start = unread.firstIndex { $0 != 0x0D && $0 != 0x0A } ?? unread.count
      if start > 0 { unread.removeFirst(start) }
      if let end = Self.endOfHead(unread) {
        defer { unread.removeFirst(end.after) }
        return Array(unread[..<end.before])
      }
      if unread.count > HTTPRequest.maximumHead { return unread }
      let bytes: [UInt8]
      do {
        bytes = try await connection.read(upTo: 4_096, timeout: Self.patience)
      } catch {
        guard error.reason == .deadlineExceeded, !unread.isEmpty else { throw error }
        _ = try await answer(HTTPResponse(.requestTimeout), nil, keepAlive: false)
        throw error
      }
      if bytes.isEmpty { return nil }
      unread.append(contentsOf: bytes)
    }
  }

  private static func endOfHead(_ bytes: [UInt8]) -> (before: Int, after: Int)? {
    var index = 0
    while let newline = bytes[index...].firstIndex(of: 0x0A) {
      let rest = bytes[(newline + 1)...]
      if rest.first == 0x0A { return (newline, newline + 2) }
      if rest.starts(with: [0x0D, 0x0A]) { return (newline, newline + 3) }
      index = newline + 1
    }
    return nil
  }

  private mutating func refuse(_ refusal: HTTPRequest.Refusal) async throws(SocketError) {
    let status: HTTPResponse.Status =
      switch refusal {
      case .malformed: .badRequest
      case .tooLarge: .headTooLarge
      case .versionNotSupported: .versionNotSupported
      }
    try await answer(HTTPResponse(status), nil, keepAlive: false)
    try await connection.shutdownSend()
  }

  /// - Returns: whether the connection may serve another request.
  private mutating func answer(_ request: HTTPRequest) async throws(SocketError) -> Bool {
    guard request.method == "GET" || request.method == "HEAD" else {
      var response = HTTPResponse(.methodNotAllowed)
      response.add("Allow", "GET, HEAD")
      // The body that may follow is not read.
      try await answer(response, nil, keepAlive: false)
      return false
    }
    guard !request.hasBody else {
      try await answer(HTTPResponse(.contentTooLarge), nil, keepAlive: false)
      return false
    }
    guard let path = HTTPPath(target: request.target) else {
      try await answer(HTTPResponse(.badRequest), nil, keepAlive: false)
      return false
    }
    let isHead = request.method == "HEAD"
    let keepAlive = request.keepsAlive
    switch files.find(path) {
    case .file(let file, let status, let name):
      let fileAnswer = FileAnswer(to: request, name: name, status: status)
      try await write(fileAnswer.response.head(now: Self.now, keepAlive: keepAlive))
      try await write(file, fileAnswer.range)
    case .listing(let page):
      var response = HTTPResponse(.ok)
      response.add("Content-Type", "text/html; charset=utf-8")
      try await answer(response, page, keepAlive: keepAlive, isHead: isHead)
    case .moved(let target):
      var response = HTTPResponse(.movedPermanently)
      response.add("Location", target)
      try await answer(response, nil, keepAlive: keepAlive, isHead: isHead)
    case .nothing:
      try await answer(HTTPResponse(.notFound), nil, keepAlive: keepAlive, isHead: isHead)
    }
    return keepAlive
  }

  /// Writes a response with a small page: `page`, or one that says the status.
  private mutating func answer(
    _ response: HTTPResponse, _ page: String?, keepAlive: Bool, isHead: Bool = false
  ) async throws(SocketError) {
    var response = response
    if page == nil { response.add("Content-Type", "text/plain; charset=utf-8") }
    let body = Array((page ?? "\(response.status.rawValue) \(response.status.phrase)\n").utf8)
    response.add("Content-Length", "\(body.count)")
    let head = response.head(now: Self.now, keepAlive: keepAlive)
    try await write(isHead ? head : head + body)
  }

  private mutating func write(_ bytes: [UInt8]) async throws(SocketError) {
    try await connection.write(bytes, timeout: Self.patience)
    written += Int64(bytes.count)
  }

  /// Writes part of a file. A file that shrinks meanwhile leaves the client waiting for bytes that
  /// do not exist, so the connection is given up.
  private mutating func write(
    _ file: borrowing HostFile, _ range: Range<Int64>
  ) async throws(SocketError) {
    let descriptor = file.descriptor.fileDescriptor
    var offset = range.lowerBound
    while offset < range.upperBound {
      let wanted = min(Self.chunk, range.upperBound - offset)
      let count: Int64
      do {
        count = try await connection.sendFile(
          descriptor, from: offset, count: wanted, timeout: Self.patience)
      } catch {
        connection.abort()
        throw error
      }
      offset += count
      written += count
      guard count == wanted else {
        connection.abort()
        throw SocketError(
          .write, local: connection.local, remote: connection.remote, reason: .connectionAborted)
      }
    }
  }

  private static var now: Int64 { Int64(Date().timeIntervalSince1970) }
}
