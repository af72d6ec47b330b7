/// The name of a socket between processes of one machine (unix(7)).
///
/// Written like `unix:/run/service.sock`, or `unix:@name` for a name of Linux's that no file stands
/// for and that goes with its socket.
public enum LocalAddress: Hashable, Sendable {
  /// A file of the file system, at most 107 bytes long in UTF-8.
  case path(String)
  /// A name without a file, at most 107 bytes long in UTF-8 (Linux).
  case abstract(String)
  /// A socket that nobody can reach by name.
  case unnamed

  /// The longest path or abstract name, in bytes.
  public static let longestName = 107

  /// - Throws: ``SocketError/Reason/badEndpoint(_:)`` with what is wrong.
  public init(parsing text: String) throws(SocketError.Reason) {
    guard text.hasPrefix("unix:") else {
      throw .badEndpoint("\"\(text)\" names no local socket: expected unix:/PATH or unix:@NAME")
    }
    let name = text.dropFirst(5)
    self = name.first == "@" ? .abstract(String(name.dropFirst())) : .path(String(name))
    if name.isEmpty { throw .badEndpoint("\"\(text)\" gives no path") }
    _ = try bytes
  }

  /// As the kernel wants it: an abstract name begins with a zero.
  var bytes: [UInt8] {
    get throws(SocketError.Reason) {
      let name: [UInt8] =
        switch self {
        case .path(let path): Array(path.utf8)
        case .abstract(let name): [0] + Array(name.utf8)
        case .unnamed: []
        }
      guard name.count <= Self.longestName + 1, !isPathTooLong(name) else {
        throw .badEndpoint("\(self) is longer than \(Self.longestName) bytes")
      }
      if case .path(let path) = self, path.isEmpty || name.contains(0) {
        throw .badEndpoint("\(self) is no path")
      }
      return name
    }
  }

  /// Of as many bytes as there is room for, the last would be a path's end.
  private func isPathTooLong(_ name: [UInt8]) -> Bool {
    if case .path = self { name.count > Self.longestName } else { false }
  }

  init(bytes: [UInt8]) {
    switch bytes.first {
    case nil: self = .unnamed
    case 0: self = .abstract(String(decoding: bytes.dropFirst(), as: UTF8.self))
    default: self = .path(String(decoding: bytes, as: UTF8.self))
    }
  }
}

extension LocalAddress: CustomStringConvertible {
  public var description: String {
    switch self {
    case .path(let path): "unix:\(path)"
    case .abstract(let name): "unix:@\(name)"
    case .unnamed: "unix:"
    }
  }
}
