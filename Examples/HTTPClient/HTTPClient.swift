import Sockets

/// Fetches a page by HTTP/1.1 (RFC 9112): `http-client HOST[:PORT] [PATH]`. Prints the body.
@main
struct HTTPClient {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let host = arguments.first else { return print("usage: http-client HOST[:PORT] [PATH]") }
    let path = arguments.dropFirst().first ?? "/"
    let place = "tcp://" + (host.contains(":") ? host : host + ":80")
    try await HostNode().withConnection(to: place, timeout: .seconds(10)) { connection in
      try await connection.write(
        "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
      var reader = StreamReader(connection, limit: 16_384)
      let length = try await readHead(&reader)
      if let length {
        print(String(decoding: try await reader.read(exactly: length), as: UTF8.self))
      } else {
        // RFC 9112 §6.3: without a length the body ends with the stream.
        while true {
          let part = try await reader.read(timeout: .seconds(30))
          if part.isEmpty { break }
          print(String(decoding: part, as: UTF8.self), terminator: "")
        }
      }
    }
  }

  /// Reads the status line and the fields.
  ///
  /// - Returns: the body's length, where a field tells it.
  private static func readHead(_ reader: inout StreamReader) async throws -> Int? {
    var length: Int?
    var isFirst = true
    while let line = try await reader.readLine(timeout: .seconds(30)), !line.isEmpty {
      if isFirst { print(line) }
      isFirst = false
      let field = line.split(separator: ":", maxSplits: 1)
      if field.count == 2, field[0].lowercased() == "content-length" {
        // A length beyond what this program would print is none.
        length = Int(field[1].drop { $0 == " " }).flatMap {
          (0...(64 << 20)).contains($0) ? $0 : nil
        }
      }
    }
    return length
  }
}
