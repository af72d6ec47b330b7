import Berkeley
import Glibc

/// The classic calls from Swift: two hosts inside one process, one asks and the other echoes, with
/// `poll` to wait.
@main
struct ClassicEcho {
  static func main() throws {
    var nodes: [CInt] = [0, 0]
    try check(unsafe sockets_open_pair(&nodes), "open")
    let stream = CInt(SOCK_STREAM.rawValue)
    let listener = try check(sockets_socket_on(nodes[1], AF_INET, stream, 0), "socket")
    var local = address("0.0.0.0", port: 7)
    try check(
      unsafe withUnsafePointer(to: &local) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe sockets_bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }, "bind")
    try check(sockets_listen(listener, 16), "listen")

    let client = try check(sockets_socket_on(nodes[0], AF_INET, stream, 0), "socket")
    var remote = address("10.0.0.2", port: 7)
    try check(
      unsafe withUnsafePointer(to: &remote) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe sockets_connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }, "connect")
    let server = try check(sockets_accept(listener, nil, nil), "accept")

    try send(client, "hello over our own TCP")
    try send(server, receive(server))
    print(try receive(client))
    for node in nodes { try check(sockets_close_node(node), "close") }
  }

  /// Why a call failed.
  struct Failure: Error {
    let call: String
    let errno: CInt
  }

  @discardableResult
  static func check(_ result: CInt, _ call: String) throws -> CInt {
    guard result >= 0 else { throw Failure(call: call, errno: errno) }
    return result
  }

  static func address(_ text: String, port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    _ = unsafe inet_pton(AF_INET, text, &address.sin_addr)
    return address
  }

  static func send(_ socket: CInt, _ text: String) throws {
    let bytes = Array(text.utf8)
    guard unsafe sockets_send(socket, bytes, bytes.count, 0) == bytes.count else {
      throw Failure(call: "send", errno: errno)
    }
  }

  /// Waits until something is there, for a second at most.
  static func receive(_ socket: CInt) throws -> String {
    var interest = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    try check(unsafe sockets_poll(&interest, 1, 1_000), "poll")
    var bytes = [UInt8](repeating: 0, count: 1_024)
    let count = unsafe sockets_recv(socket, &bytes, bytes.count, CInt(MSG_DONTWAIT))
    guard count >= 0 else { throw Failure(call: "recv", errno: errno) }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
