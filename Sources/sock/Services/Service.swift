/// What a `serve` does at one endpoint.
enum Service: Sendable {
  /// Sends back what comes (RFC 862).
  case echo
  /// Counts what comes (RFC 863).
  case discard
  /// Sends without end (RFC 864).
  case generate
  /// Serves files over HTTP.
  case files(FileTree)

  var name: String {
    switch self {
    case .echo: "echo"
    case .discard: "discard"
    case .generate: "generate"
    case .files: "files"
    }
  }
}
