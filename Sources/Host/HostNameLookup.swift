public import Addresses
import CLinux

/// The names that this machine knows, by whatever it is set up to ask.
public enum HostNameLookup {
  /// Why there is no address.
  public enum Failure: Error, Hashable, Sendable {
    case notFound
    /// The name is there, and has no address.
    case noData
    /// What the C library says.
    case failed(String)
  }

  /// The addresses that are taken of one name.
  private static let capacity = 64

  /// The addresses of a name, the one to try first in front, all with port zero (`getaddrinfo`).
  ///
  /// Blocks while the machine asks, perhaps for half a minute.
  public static func addresses(of name: String) throws(Failure) -> [SocketAddress] {
    // The C library would read such a name to its zero only.
    guard !name.utf8.contains(0) else { throw .notFound }
    var found = [clinux_address](repeating: clinux_address(), count: capacity)
    var complaint: UnsafePointer<CChar>?
    let count = unsafe found.withUnsafeMutableBufferPointer { buffer in
      unsafe name.withCString { name in
        unsafe clinux_look_up(name, buffer.baseAddress, Int32(buffer.count), &complaint)
      }
    }
    switch Int(count) {
    case Int(CLINUX_NAME_NOT_FOUND): throw .notFound
    case Int(CLINUX_NAME_HAS_NO_DATA): throw .noData
    case 1...: return found.prefix(Int(count)).compactMap { SocketAddress($0) }
    default: throw .failed(unsafe complaint.map { unsafe String(cString: $0) } ?? "no reason given")
    }
  }
}
