public import SystemPackage

/// A refusal of the operating system: what was tried, on what, why not, and what to do about it.
///
/// Printed it is a sentence:
///
/// ```
/// cannot attach to the tunnel device sock0: Operation not permitted (EPERM 1); run as root, or …
/// ```
public struct SystemError: Error, Hashable, Sendable {
  /// The kernel's reason.
  public let errno: Errno
  /// What was tried.
  public let call: SystemCall
  /// What it was tried on: a path, a device's name, an address; empty where that says nothing.
  public let subject: String

  public init(_ errno: Errno, _ call: SystemCall, subject: String = "") {
    self.errno = errno
    self.call = call
    self.subject = subject
  }
}

/// What this module asks of the kernel, one case per thing that can be refused.
public enum SystemCall: String, Sendable {
  case openDevice = "open the tunnel driver"
  case openFile = "open"
  case writeFile = "write to"
  case readFile = "read"
  case startThread = "start a thread"
  case close = "close the descriptor"
  case attachTunnel = "attach to the tunnel device"
  case setHeaderSize = "set the packet header size of the tunnel device"
  case setOffload = "set the offload of the tunnel device"
  case readPacket = "read a packet from the link"
  case writePacket = "write a packet to the link"
  case createPoller = "create an epoll instance"
  case changeInterest = "change what epoll waits for"
  case waitForEvents = "wait for events"
  case createRing = "set up io_uring"
  case enterRing = "wait with io_uring"
  case createWakeUp = "create an eventfd"
  case signalWakeUp = "signal an eventfd"
  case clearWakeUp = "read an eventfd"
  case openNetlink = "open a netlink socket"
  case sendNetlink = "send a netlink request"
  case receiveNetlink = "receive a netlink answer"
  case findInterface = "find the interface"
  case findRoute = "find the route to"
  case listAddresses = "list the addresses of the interface"
  case addAddress = "add an address to the interface"
  case changeInterface = "change the interface"
  case deleteInterface = "delete the interface"
  case readRandom = "read random bytes"
}

extension SystemError: CustomStringConvertible {
  public var description: String {
    let object = subject.isEmpty ? "" : " \(subject)"
    let reason = "\(errno) (\(symbol) \(errno.rawValue))"
    let sentence = "cannot \(call.rawValue)\(object): \(reason)"
    guard let advice else { return sentence }
    return "\(sentence); \(advice)"
  }

  /// What the reader can do about it, where we know.
  public var advice: String? {
    switch (call, errno) {
    case (.openDevice, .permissionDenied), (.openDevice, .notPermitted):
      """
      run as root, or have root give you read and write access to \(subject) and prepare a device: \
      ip tuntap add dev sock0 mode tun user $USER
      """
    case (.openDevice, .noSuchFileOrDirectory), (.openDevice, .noSuchDevice),
      (.openDevice, .noSuchAddressOrDevice):
      """
      load the driver with: modprobe tun (in a container, start it with --device /dev/net/tun \
      and the capability NET_ADMIN)
      """
    case (.attachTunnel, .notPermitted), (.attachTunnel, .permissionDenied):
      """
      run as root or with CAP_NET_ADMIN, or have root prepare the device once: \
      ip tuntap add dev \(subject.isEmpty ? "sock0" : subject) mode tun user $USER
      """
    case (.attachTunnel, .resourceBusy):
      "another program holds this device: stop it, or choose another name"
    case (.attachTunnel, .invalidArgument):
      """
      an interface of that name stands already and is of another kind (tun, tap, several queues \
      or none of these): choose another name
      """
    case (.addAddress, .notPermitted), (.changeInterface, .notPermitted),
      (.deleteInterface, .notPermitted):
      "run as root or with CAP_NET_ADMIN, or have root configure the interface beforehand with ip"
    case (.addAddress, .addressInUse):
      "Linux itself holds the address that was meant for us: give one of them another"
    case (.addAddress, .addressNotAvailable):
      """
      the prefix has no address left for Linux's end: use a shorter one, such as 10.7.0.2/24 \
      or fd00:7::2/64
      """
    case (.addAddress, .notSupported), (.addAddress, .permissionDenied):
      "IPv6 may be switched off here: see /proc/sys/net/ipv6/conf/all/disable_ipv6"
    case (.findInterface, .noSuchDevice):
      "ip link shows the interfaces there are"
    case (.createPoller, .tooManyOpenFiles), (.openDevice, .tooManyOpenFiles),
      (.createWakeUp, .tooManyOpenFiles), (.openNetlink, .tooManyOpenFiles),
      (.createRing, .tooManyOpenFiles):
      "raise the limit on open files: ulimit -n"
    case (.createRing, .notPermitted), (.createRing, .noFunction):
      "io_uring may be switched off here: see /proc/sys/kernel/io_uring_disabled; epoll needs none"
    case (.createRing, .invalidArgument), (.createRing, .notSupported):
      "this needs Linux 6.1; epoll needs none of it"
    default: nil
    }
  }

  /// The name POSIX gives to the reason, for the reasons met here.
  private var symbol: String {
    switch errno {
    case .notPermitted: "EPERM"
    case .noSuchFileOrDirectory: "ENOENT"
    case .ioError: "EIO"
    case .noSuchAddressOrDevice: "ENXIO"
    case .badFileDescriptor: "EBADF"
    case .noMemory: "ENOMEM"
    case .permissionDenied: "EACCES"
    case .resourceBusy: "EBUSY"
    case .fileExists: "EEXIST"
    case .noSuchDevice: "ENODEV"
    case .invalidArgument: "EINVAL"
    case .tooManyOpenFiles: "EMFILE"
    case .messageTooLong: "EMSGSIZE"
    case .addressInUse: "EADDRINUSE"
    case .addressNotAvailable: "EADDRNOTAVAIL"
    case .networkDown: "ENETDOWN"
    case .noBufferSpace: "ENOBUFS"
    default: "errno"
    }
  }
}

extension Errno {
  /// ENODEV by the name Linux means it by.
  static var noSuchDevice: Errno { .operationNotSupportedByDevice }
}
