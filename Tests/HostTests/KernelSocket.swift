import Addresses
import Glibc
import Host
import Packets
import SystemPackage

/// A non-blocking IPv4 socket of the kernel's: the peer in these tests.
struct KernelSocket: ~Copyable {
  let descriptor: Descriptor
  private var number: Int32 { descriptor.fileDescriptor.rawValue }

  enum Kind { case datagram, stream }

  init(_ kind: Kind) throws {
    let type = kind == .stream ? SOCK_STREAM : SOCK_DGRAM
    let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number = socket(AF_INET, Int32(type.rawValue) | flags, 0)
    guard number >= 0 else { throw Errno(rawValue: errno) }
    descriptor = Descriptor(owning: FileDescriptor(rawValue: number))
  }

  func bind(_ address: IPv4Address, _ port: UInt16) throws {
    unsafe try named(address, port) { unsafe Glibc.bind(number, $0, $1) }
  }

  /// Starts to connect; the handshake is up to the other side.
  func connect(_ address: IPv4Address, _ port: UInt16) throws {
    do {
      unsafe try named(address, port) { unsafe Glibc.connect(number, $0, $1) }
    } catch Errno.nowInProgress {}
  }

  /// - Returns: how many bytes the kernel took.
  func send(_ bytes: [UInt8]) throws -> Int {
    let count = unsafe bytes.withUnsafeBytes {
      unsafe Glibc.send(number, $0.baseAddress, $0.count, Int32(truncatingIfNeeded: MSG_NOSIGNAL))
    }
    guard count >= 0 else { throw Errno(rawValue: errno) }
    return count
  }

  /// Waits for at most five seconds.
  ///
  /// - Returns: what one read gave; nothing where nothing came.
  func receive() throws -> [UInt8]? {
    var poller = try EpollPoller()
    try poller.add(descriptor, interest: .readable, token: 0)
    guard try poller.wait(atMost: .seconds(5)) > 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe recv(number, $0.baseAddress, $0.count, 0)
    }
    guard count >= 0 else { throw Errno(rawValue: errno) }
    return Array(bytes.prefix(count))
  }

  private func named(
    _ address: IPv4Address, _ port: UInt16,
    _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    name.sin_addr.s_addr = address.rawValue.bigEndian
    let result = unsafe withUnsafePointer(to: &name) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe call($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Errno(rawValue: errno) }
  }
}
