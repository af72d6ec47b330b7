public import Addresses

/// Knows the addresses of names.
///
/// Two are here: ``Resolver``, which asks name servers over any node, and ``HostResolver``, which
/// asks this machine. A node's own is ``NetworkNode/resolver``.
public protocol NameResolver: Sendable {
  /// The addresses of a name, the one to try first in front (RFC 6724 §6). A numeric address is its
  /// own.
  ///
  /// Ends with ``SocketError/Reason/cancelled`` when its task is cancelled, and then leaves nothing
  /// behind that the caller would notice.
  ///
  /// - Parameter timeout: for all of it; the resolver has limits of its own besides.
  /// - Returns: at least one, all with port zero; link-local ones with their zones.
  /// - Throws: ``SocketError/Reason/nameNotFound``, ``SocketError/Reason/nameHasNoData``,
  ///   ``SocketError/Reason/nameServerFailure(_:)`` and what sockets throw.
  func addresses(
    of name: String, timeout: Duration?
  ) async throws(SocketError) -> [SocketAddress]
}

extension NameResolver {
  /// As ``addresses(of:timeout:)``, for as long as the resolver allows.
  public func addresses(of name: String) async throws(SocketError) -> [SocketAddress] {
    try await addresses(of: name, timeout: nil)
  }
}
