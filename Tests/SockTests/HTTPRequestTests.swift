import Testing
import sock

@Suite("The head of a request")
struct HTTPRequestTests {
  private func read(_ text: String) throws(HTTPRequest.Refusal) -> HTTPRequest {
    try HTTPRequest(head: Array(text.utf8))
  }

  @Test("has a method, a target and fields whose names ignore case")
  func fields() throws {
    let request = try read("GET /a?b HTTP/1.1\r\nHost: x\r\nRANGE:\t bytes=0-1 \r\nA: 1\r\na: 2")
    #expect(request.method == "GET")
    #expect(request.target == "/a?b")
    #expect(request.value("range") == "bytes=0-1")
    #expect(request.value("a") == "1, 2")
    #expect(request.value("b") == nil)
    #expect(!request.hasBody)
  }

  @Test(
    "keeps the connection as version and field say",
    arguments: [
      ("GET / HTTP/1.1\r\nHost: x", true),
      ("GET / HTTP/1.1\r\nHost: x\r\nConnection: Close", false),
      ("GET / HTTP/1.0", false), ("GET / HTTP/1.0\r\nConnection: keep-alive", true),
      ("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close", false),
    ])
  func keepsAlive(text: String, keeps: Bool) throws {
    #expect(try read(text).keepsAlive == keeps)
  }

  @Test(
    "that is no request is refused",
    arguments: [
      "", " ", "GET", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 x", "GET / HTTP/1.1",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b", "GET / HTTP/1.1\r\nHost : a",
      "GET / HTTP/1.1\r\nHost: a\r\n folded: b", "GET / HTTP/1.1\r\nHost: a\rb",
      "GET / HTTP/1.1\r\nHost: a\r\n: b", "GET / FTP/1.1\r\nHost: a",
    ])
  func malformed(text: String) {
    #expect(throws: HTTPRequest.Refusal.malformed) { try read(text) }
  }

  @Test("of another major version is refused as that")
  func version() {
    #expect(throws: HTTPRequest.Refusal.versionNotSupported) { try read("GET / HTTP/2.0") }
  }

  @Test("has limits to its length and its fields")
  func limits() {
    let long = "GET /\(String(repeating: "a", count: 17_000)) HTTP/1.1\r\nHost: a"
    #expect(throws: HTTPRequest.Refusal.tooLarge) { try read(long) }
    let many = "GET / HTTP/1.1\r\nHost: a" + String(repeating: "\r\na: b", count: 101)
    #expect(throws: HTTPRequest.Refusal.tooLarge) { try read(many) }
  }

  @Test("knows that a body follows")
  func body() throws {
    #expect(try read("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5").hasBody)
    #expect(try read("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked").hasBody)
    #expect(try !read("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0").hasBody)
  }
}
