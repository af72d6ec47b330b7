/// The head of a response (RFC 9112 §4).
package struct HTTPResponse: Hashable, Sendable {
  package enum Status: Int, Sendable {
    case ok = 200
    case partialContent = 206
    case movedPermanently = 301
    case notModified = 304
    case badRequest = 400
    case notFound = 404
    case methodNotAllowed = 405
    case requestTimeout = 408
    case contentTooLarge = 413
    case rangeNotSatisfiable = 416
    case headTooLarge = 431
    case serverError = 500
    case versionNotSupported = 505

    package var phrase: String {
      switch self {
      case .ok: "OK"
      case .partialContent: "Partial Content"
      case .movedPermanently: "Moved Permanently"
      case .notModified: "Not Modified"
      case .badRequest: "Bad Request"
      case .notFound: "Not Found"
      case .methodNotAllowed: "Method Not Allowed"
      case .requestTimeout: "Request Timeout"
      case .contentTooLarge: "Content Too Large"
      case .rangeNotSatisfiable: "Range Not Satisfiable"
      case .headTooLarge: "Request Header Fields Too Large"
      case .serverError: "Internal Server Error"
      case .versionNotSupported: "HTTP Version Not Supported"
      }
    }
  }

  package var status: Status
  package private(set) var fields: [String] = []

  package init(_ status: Status) { self.status = status }

  package mutating func add(_ name: String, _ value: String) {
    // A line break in a value would let whoever chose a file's name write fields of their own.
    let safe = value.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
    fields.append("\(name): \(String(String.UnicodeScalarView(safe)))")
  }

  /// The head as it is sent, empty line included.
  ///
  /// - Parameter now: seconds since 1970.
  package func head(now: Int64, keepAlive: Bool) -> [UInt8] {
    var lines = ["HTTP/1.1 \(status.rawValue) \(status.phrase)", "Date: \(HTTPDate.text(now))"]
    lines += fields
    lines.append("Server: sock")
    lines.append("Connection: \(keepAlive ? "keep-alive" : "close")")
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }
}
