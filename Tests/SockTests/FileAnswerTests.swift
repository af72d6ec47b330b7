import Host
import Testing
import sock

@Suite("The answer for a file")
struct FileAnswerTests {
  private let status = HostFile.Status(kind: .regular, size: 1000, modified: 784_111_777)
  private let date = "Sun, 06 Nov 1994 08:49:37 GMT"

  private func answer(_ fields: String..., method: String = "GET") throws -> FileAnswer {
    let head = (["\(method) /a.txt HTTP/1.1", "Host: a"] + fields).joined(separator: "\r\n")
    return FileAnswer(
      to: try HTTPRequest(head: Array(head.utf8)), name: "a.txt", status: status)
  }

  @Test("is the whole of it with its size, type and date")
  func whole() throws {
    let answer = try answer()
    #expect(answer.response.status == .ok)
    #expect(answer.range == 0..<1000)
    #expect(answer.response.fields.contains("Content-Length: 1000"))
    #expect(answer.response.fields.contains("Content-Type: text/plain; charset=utf-8"))
    #expect(answer.response.fields.contains("Last-Modified: \(date)"))
    #expect(answer.response.fields.contains("Accept-Ranges: bytes"))
  }

  @Test("to HEAD is the head alone")
  func head() throws {
    let answer = try answer(method: "HEAD")
    #expect(answer.range.isEmpty)
    #expect(answer.response.fields.contains("Content-Length: 1000"))
  }

  @Test("is the part asked for, or says how long the file is")
  func parts() throws {
    let part = try answer("Range: bytes=-10")
    #expect(part.response.status == .partialContent)
    #expect(part.range == 990..<1000)
    #expect(part.response.fields.contains("Content-Range: bytes 990-999/1000"))
    #expect(part.response.fields.contains("Content-Length: 10"))
    let beyond = try answer("Range: bytes=1000-")
    #expect(beyond.response.status == .rangeNotSatisfiable)
    #expect(beyond.range.isEmpty)
    #expect(beyond.response.fields.contains("Content-Range: bytes */1000"))
  }

  @Test("is that nothing changed, when nothing has")
  func conditions() throws {
    #expect(try answer("If-Modified-Since: \(date)").response.status == .notModified)
    #expect(
      try answer("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT").response.status == .ok)
    #expect(try answer("If-Modified-Since: yesterday").response.status == .ok)
    let field = try answer().response.fields.first { $0.hasPrefix("ETag: ") }
    let tag = try #require(field).dropFirst("ETag: ".count)
    #expect(try answer("If-None-Match: \"x\", \(tag)").response.status == .notModified)
    #expect(
      try answer("If-None-Match: \"x\"", "If-Modified-Since: \(date)").response.status == .ok)
    #expect(try answer("Range: bytes=0-9", "If-Range: \(tag)").range == 0..<10)
    #expect(try answer("Range: bytes=0-9", "If-Range: \(date)").range == 0..<10)
    #expect(try answer("Range: bytes=0-9", "If-Range: \"x\"").range == 0..<1000)
  }

  @Test(
    "has a type by the end of the name",
    arguments: [
      ("a.html", "text/html; charset=utf-8"), ("A.PNG", "image/png"),
      ("a.tar.gz", "application/gzip"),
      ("a", "application/octet-stream"), (".html", "application/octet-stream"),
      ("a.unknown", "application/octet-stream"),
    ])
  func types(name: String, type: String) {
    #expect(ContentType.of(name) == type)
  }

  @Test("holds no line break that a name brought in")
  func injection() {
    var response = HTTPResponse(.ok)
    response.add("Location", "/a\r\nSet-Cookie: x")
    let head = String(decoding: response.head(now: 0, keepAlive: true), as: UTF8.self)
    #expect(!head.contains("\r\nSet-Cookie"))
    #expect(head.hasPrefix("HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"))
    #expect(head.hasSuffix("\r\nConnection: keep-alive\r\n\r\n"))
  }
}
