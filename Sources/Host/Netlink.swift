import CLinux
import SystemPackage

/// Questions and orders to the kernel's network configuration (rtnetlink).
///
/// Each goes over a socket of its own, so that no answer can be taken for another's.
enum Netlink {
  /// Sends `message` and collects the answer: the parts of a dump, or nothing for a plain order.
  ///
  /// - Throws: the kernel's refusal, as an error of `call` on `subject`.
  static func request(
    _ message: NetlinkMessage, _ call: SystemCall, subject: String
  ) throws(SystemError) -> [NetlinkMessage] {
    let socket = try Syscalls.openNetlink()
    try Syscalls.sendNetlink(socket.fileDescriptor, message.encoded)
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var answers: [NetlinkMessage] = []
    while true {
      let count = try Syscalls.receiveNetlink(socket.fileDescriptor, into: &buffer)
      for answer in NetlinkMessage.split(buffer.prefix(count)) {
        switch answer.type {
        case Int(NLMSG_ERROR):
          let code = Int32(bitPattern: answer.uint32(at: NetlinkMessage.headerSize))
          guard code == 0 else {
            throw SystemError(Errno(rawValue: 0 &- code), call, subject: subject)
          }
          return answers
        case Int(NLMSG_DONE):
          return answers
        default:
          answers.append(answer)
        }
      }
      guard count > 0 else { throw SystemError(.ioError, .receiveNetlink) }
    }
  }
}
