import Addresses
import Host
import SystemPackage

extension HostNode {
  /// This machine's own names.
  public var resolver: any NameResolver { HostResolver() }
}

/// A node that can say which of its addresses it would use.
protocol SourceTelling {
  func source(towards remote: SocketAddress) -> AddressOrder.Source
}

extension HostNode: SourceTelling {
  /// Asks the kernel, by a UDP socket that sends nothing.
  func source(towards remote: SocketAddress) -> AddressOrder.Source {
    do throws(Errno) {
      let socket = try KernelSocket.open(.datagram, ipv6: remote.address.isIPv6)
      defer { socket.close() }
      var remote = remote
      remote.port = 9
      _ = try socket.connect(to: remote)
      return .known(try socket.localAddress().address)
    } catch {
      return .none
    }
  }
}

/// A node that knows its interfaces by name.
protocol InterfaceNaming {
  func interfaceNumber(named name: String) -> UInt32?
}

extension HostNode: InterfaceNaming {
  func interfaceNumber(named name: String) -> UInt32? { SystemText.zone(name) }
}

extension StackNode: InterfaceNaming {
  func interfaceNumber(named name: String) -> UInt32? { lease.core.interfaceNumbers[name] }
}

extension NetworkNode {
  /// The zone that is meant by the name of an interface of this node's (RFC 4007 §11.2).
  func zone(named name: String) -> UInt32? {
    (self as? any InterfaceNaming)?.interfaceNumber(named: name)
  }

  /// The address this node would use towards another.
  func source(towards remote: SocketAddress) -> AddressOrder.Source {
    (self as? any SourceTelling)?.source(towards: remote) ?? .unknown
  }
}
