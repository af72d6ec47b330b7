package import Host

/// What is answered to a request for a file that is there: a head, and which bytes of it.
package struct FileAnswer: Hashable, Sendable {
  package var response: HTTPResponse
  /// The bytes that follow the head; none where there is no body.
  package var range: Range<Int64>

  /// Weighs the request's conditions and its range (RFC 9110 §13.2.2).
  ///
  /// - Parameter name: the file's, for its media type.
  package init(to request: HTTPRequest, name: String, status: HostFile.Status) {
    let tag = "\"\(String(status.size, radix: 16))-\(String(status.modified, radix: 16))\""
    if Self.isUnchanged(request, tag, status) {
      response = HTTPResponse(.notModified)
      response.add("ETag", tag)
      range = 0..<0
      return
    }
    let wish =
      Self.rangeHolds(request, tag, status)
      ? HTTPRange(request.value("range"), size: status.size) : .whole
    switch wish {
    case .whole:
      response = HTTPResponse(.ok)
      range = 0..<status.size
    case .part(let part):
      response = HTTPResponse(.partialContent)
      response.add(
        "Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(status.size)")
      range = part
    case .unsatisfiable:
      response = HTTPResponse(.rangeNotSatisfiable)
      response.add("Content-Range", "bytes */\(status.size)")
      response.add("Content-Length", "0")
      range = 0..<0
      return
    }
    response.add("Content-Type", ContentType.of(name))
    response.add("Content-Length", "\(range.count)")
    response.add("Last-Modified", HTTPDate.text(status.modified))
    response.add("ETag", tag)
    response.add("Accept-Ranges", "bytes")
    if request.method == "HEAD" { range = 0..<0 }
  }

  private static func isUnchanged(
    _ request: HTTPRequest, _ tag: String, _ status: HostFile.Status
  ) -> Bool {
    if let known = request.value("if-none-match") {
      return known.split(separator: ",").map(\.trimmed)
        .contains { $0 == "*" || $0 == tag || $0 == "W/" + tag }
    }
    guard let since = request.value("if-modified-since").flatMap(HTTPDate.seconds) else {
      return false
    }
    return status.modified <= since
  }

  /// Whether a range may be given, or the file changed since the client got its first part
  /// (RFC 9110 §13.1.5).
  private static func rangeHolds(
    _ request: HTTPRequest, _ tag: String, _ status: HostFile.Status
  ) -> Bool {
    guard let condition = request.value("if-range") else { return true }
    return condition == tag || HTTPDate.seconds(condition) == status.modified
  }
}
