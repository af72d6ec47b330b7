// The one file of this module that may say `unsafe`, and the only one that calls the kernel.
//
// Every function is one system call with its errors typed: what would block is an answer, not an
// error, and an interrupted call is repeated. Pointers live no longer than the call they are made
// for.

internal import CLinux
internal import Packets
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

enum Syscalls {
  /// The reason of the call that just failed.
  private static var reason: Errno { Errno(rawValue: errno) }

  // MARK: Files

  static func open(
    _ path: String, _ mode: FileDescriptor.AccessMode, _ call: SystemCall
  ) throws(SystemError) -> Descriptor {
    do {
      return Descriptor(
        owning: try FileDescriptor.open(
          FilePath(path), mode, options: [.closeOnExec, .nonBlocking]))
    } catch {
      throw SystemError(error as? Errno ?? .invalidArgument, call, subject: path)
    }
  }

  /// Writes the whole of `text` to a file that exists.
  static func write(_ text: String, to path: String) throws(SystemError) {
    let file = try open(path, .writeOnly, .openFile)
    do {
      _ = try file.fileDescriptor.writeAll(text.utf8)
    } catch {
      throw SystemError(error as? Errno ?? .ioError, .writeFile, subject: path)
    }
  }

  static func close(_ descriptor: FileDescriptor) throws(SystemError) {
    do {
      try descriptor.close()
    } catch {
      // Linux releases the number even when close was interrupted; asking again could close
      // somebody else's file.
      let reason = error as? Errno ?? .ioError
      if reason != .interrupted { throw SystemError(reason, .close) }
    }
  }

  /// A pipe, with room for `size` bytes where that is allowed. Both ends are the caller's to own.
  static func openPipe(size: Int) throws(Errno) -> (output: FileDescriptor, input: FileDescriptor) {
    var ends: [2 of Int32] = [-1, -1]
    var span = ends.mutableSpan
    let result = unsafe span.withUnsafeMutableBufferPointer {
      unsafe clinux_pipe($0.baseAddress, Int32(clamping: size))
    }
    guard result == 0 else { throw reason }
    return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
  }

  static func create(_ path: String) throws(SystemError) -> Descriptor {
    do {
      return Descriptor(
        owning: try FileDescriptor.open(
          FilePath(path), .writeOnly, options: [.closeOnExec, .create, .truncate],
          permissions: [.ownerReadWrite, .groupRead, .otherRead]))
    } catch {
      throw SystemError(error as? Errno ?? .invalidArgument, .openFile, subject: path)
    }
  }

  static func unlink(_ path: String) { _ = unsafe unlinkat(AT_FDCWD, path, 0) }

  static func fileStatus(_ descriptor: FileDescriptor) throws(SystemError) -> HostFile.Status {
    var status = stat()
    guard unsafe fstat(descriptor.rawValue, &status) == 0 else {
      throw SystemError(reason, .readFile)
    }
    let kind: HostFile.Status.Kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .directory
      default: .other
      }
    return HostFile.Status(
      kind: kind, size: Int64(status.st_size), modified: Int64(status.st_mtim.tv_sec))
  }

  /// - Returns: how many bytes were read; zero at the end.
  static func readFile(
    _ descriptor: FileDescriptor, into bytes: inout MutableSpan<UInt8>, at offset: Int64
  ) throws(SystemError) -> Int {
    while true {
      let result = unsafe bytes.withUnsafeMutableBytes {
        unsafe pread(descriptor.rawValue, $0.baseAddress, $0.count, off_t(offset))
      }
      if result >= 0 { return result }
      let reason = Self.reason
      if reason != .interrupted { throw SystemError(reason, .readFile) }
    }
  }

  /// - Returns: how many bytes were read; zero at the end.
  static func readStream(
    _ descriptor: FileDescriptor, into bytes: inout MutableSpan<UInt8>
  ) throws(SystemError) -> Int {
    while true {
      let result = unsafe bytes.withUnsafeMutableBytes {
        unsafe read(descriptor.rawValue, $0.baseAddress, $0.count)
      }
      if result >= 0 { return result }
      let reason = Self.reason
      if reason != .interrupted { throw SystemError(reason, .readFile) }
    }
  }

  static func writeAll(
    _ descriptor: FileDescriptor, _ bytes: Span<UInt8>
  ) throws(SystemError) {
    do {
      _ = try unsafe bytes.withUnsafeBytes { try unsafe descriptor.writeAll($0) }
    } catch {
      throw SystemError(error as? Errno ?? .ioError, .writeFile)
    }
  }

  // MARK: Threads

  /// What a new thread is to run, kept alive until it does.
  private final class ThreadBody: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    init(name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }

    func run() {
      unsafe clinux_name_thread(name)
      body()
    }
  }

  static var currentThread: UInt { clinux_current_thread() }

  static func startThread(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    // Nobody joins it. It exists, or has ended by itself: this has no news for us.
    _ = pthread_detach(try makeThread(name: name, body))
  }

  /// Returns when the thread has ended.
  static func runThread(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    // It exists, is joined once, and is not the caller.
    _ = pthread_join(try makeThread(name: name, body), nil)
  }

  private static func makeThread(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) -> pthread_t {
    var thread = pthread_t()
    let argument = unsafe Unmanaged.passRetained(ThreadBody(name: name, body)).toOpaque()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, argument)
    guard result == 0 else {
      unsafe Unmanaged<ThreadBody>.fromOpaque(argument).release()
      throw SystemError(Errno(rawValue: result), .startThread, subject: name)
    }
    return thread
  }

  // MARK: Tunnel devices

  /// Makes `descriptor` a queue of the device `name`, or of a new one named after that pattern.
  ///
  /// - Returns: the device's name.
  static func attachTunnel(
    _ descriptor: FileDescriptor, name: String, flags: Int
  ) throws(SystemError) -> String {
    var bytes = Array(name.utf8.prefix(Int(CLINUX_NAME_SIZE) - 1))
    bytes.append(contentsOf: repeatElement(0, count: Int(CLINUX_NAME_SIZE) - bytes.count))
    let result = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
      unsafe buffer.withMemoryRebound(to: CChar.self) { characters in
        unsafe clinux_tunnel_attach(
          descriptor.rawValue, characters.baseAddress, UInt16(truncatingIfNeeded: flags))
      }
    }
    guard result == 0 else { throw SystemError(reason, .attachTunnel, subject: name) }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  static func setHeaderSize(_ descriptor: FileDescriptor, name: String) throws(SystemError) {
    let size = Int32(truncatingIfNeeded: MemoryLayout<clinux_virtio_header>.size)
    guard clinux_tunnel_set_header_size(descriptor.rawValue, size) == 0 else {
      throw SystemError(reason, .setHeaderSize, subject: name)
    }
  }

  static func setOffload(
    _ descriptor: FileDescriptor, name: String, features: Int
  ) throws(SystemError) {
    let features = UInt32(truncatingIfNeeded: features)
    guard clinux_tunnel_set_offload(descriptor.rawValue, features) == 0 else {
      throw SystemError(reason, .setOffload, subject: name)
    }
  }

  // MARK: Packets

  /// Reads one packet, and its virtio header where the queue has one.
  ///
  /// - Returns: the packet's bytes, or nil when none is waiting.
  /// - Throws: `EMSGSIZE` when the packet was larger than `bytes`; it is lost.
  static func readPacket(
    _ descriptor: FileDescriptor, header: inout clinux_virtio_header, hasHeader: Bool,
    into bytes: inout MutableSpan<UInt8>
  ) throws(SystemError) -> Int? {
    let headerSize = hasHeader ? MemoryLayout<clinux_virtio_header>.size : 0
    let room = bytes.count
    // One byte more than there is room for tells a packet that fits from one that was cut.
    var excess: UInt8 = 0
    while true {
      let result = unsafe bytes.withUnsafeMutableBytes { target in
        unsafe withUnsafeMutablePointer(to: &header) { header in
          unsafe withUnsafeMutablePointer(to: &excess) { excess in
            var vectors: [3 of iovec] = unsafe [
              iovec(iov_base: header, iov_len: headerSize),
              iovec(iov_base: target.baseAddress, iov_len: room),
              iovec(iov_base: excess, iov_len: 1),
            ]
            return unsafe withUnsafeMutablePointer(to: &vectors) { vectors in
              unsafe vectors.withMemoryRebound(to: iovec.self, capacity: 3) {
                unsafe clinux_read_vector(descriptor.rawValue, $0, 3)
              }
            }
          }
        }
      }
      if result >= 0 {
        let count = result &- headerSize
        guard count <= room else { throw SystemError(.messageTooLong, .readPacket) }
        return count < 0 ? 0 : count
      }
      let reason = Self.reason
      if reason == .wouldBlock { return nil }
      if reason != .interrupted { throw SystemError(reason, .readPacket) }
    }
  }

  /// Writes one packet, after its virtio header where the queue has one.
  ///
  /// - Returns: false when the queue is full.
  static func writePacket(
    _ descriptor: FileDescriptor, header: inout clinux_virtio_header, hasHeader: Bool,
    _ bytes: Span<UInt8>
  ) throws(SystemError) -> Bool {
    let headerSize = hasHeader ? MemoryLayout<clinux_virtio_header>.size : 0
    let total = headerSize &+ bytes.count
    while true {
      let result = unsafe bytes.withUnsafeBytes { source in
        unsafe withUnsafeMutablePointer(to: &header) { header in
          var vectors: [2 of iovec] = unsafe [
            iovec(iov_base: header, iov_len: headerSize),
            iovec(
              iov_base: UnsafeMutableRawPointer(mutating: source.baseAddress), iov_len: source.count
            ),
          ]
          return unsafe withUnsafeMutablePointer(to: &vectors) { vectors in
            unsafe vectors.withMemoryRebound(to: iovec.self, capacity: 2) {
              unsafe clinux_write_vector(descriptor.rawValue, $0, 2)
            }
          }
        }
      }
      if result >= 0 {
        guard result == total else { throw SystemError(.messageTooLong, .writePacket) }
        return true
      }
      let reason = Self.reason
      if reason == .wouldBlock { return false }
      if reason != .interrupted { throw SystemError(reason, .writePacket) }
    }
  }

  // MARK: epoll

  enum EpollOperation {
    case add, modify, remove

    fileprivate var rawValue: Int32 {
      switch self {
      case .add: EPOLL_CTL_ADD
      case .modify: EPOLL_CTL_MOD
      case .remove: EPOLL_CTL_DEL
      }
    }
  }

  static func createEpoll() throws(SystemError) -> Descriptor {
    let descriptor = epoll_create1(Int32(truncatingIfNeeded: EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw SystemError(reason, .createPoller) }
    return Descriptor(owning: FileDescriptor(rawValue: descriptor))
  }

  static func controlEpoll(
    _ poller: FileDescriptor, _ operation: EpollOperation, _ descriptor: FileDescriptor,
    _ mask: UInt32, _ token: UInt64
  ) throws(SystemError) {
    let result = clinux_epoll_control(
      poller.rawValue, operation.rawValue, descriptor.rawValue, mask, token)
    guard result == 0 else { throw SystemError(reason, .changeInterest) }
  }

  static func waitEpoll(
    _ poller: FileDescriptor, into events: inout [clinux_event], nanoseconds: Int64
  ) throws(SystemError) -> Int {
    let result = unsafe events.withUnsafeMutableBufferPointer { buffer in
      unsafe clinux_epoll_wait(
        poller.rawValue, buffer.baseAddress, Int32(clamping: buffer.count), nanoseconds)
    }
    if result >= 0 { return Int(result) }
    let reason = Self.reason
    if reason == .interrupted { return 0 }
    throw SystemError(reason, .waitForEvents)
  }

  // MARK: eventfd

  static func createEvent() throws(SystemError) -> Descriptor {
    let descriptor = eventfd(0, Int32(truncatingIfNeeded: EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw SystemError(reason, .createWakeUp) }
    return Descriptor(owning: FileDescriptor(rawValue: descriptor))
  }

  static func signalEvent(_ descriptor: FileDescriptor) throws(SystemError) {
    while eventfd_write(descriptor.rawValue, 1) != 0 {
      let reason = Self.reason
      // The counter is full: it has been signalled often enough.
      if reason == .wouldBlock { return }
      if reason != .interrupted { throw SystemError(reason, .signalWakeUp) }
    }
  }

  static func clearEvent(_ descriptor: FileDescriptor) throws(SystemError) -> Bool {
    var value: eventfd_t = 0
    while unsafe eventfd_read(descriptor.rawValue, &value) != 0 {
      let reason = Self.reason
      if reason == .wouldBlock { return false }
      if reason != .interrupted { throw SystemError(reason, .clearWakeUp) }
    }
    return true
  }

  // MARK: netlink

  static func openNetlink() throws(SystemError) -> Descriptor {
    let descriptor = clinux_netlink_open()
    guard descriptor >= 0 else { throw SystemError(reason, .openNetlink) }
    return Descriptor(owning: FileDescriptor(rawValue: descriptor))
  }

  static func sendNetlink(_ descriptor: FileDescriptor, _ bytes: [UInt8]) throws(SystemError) {
    while true {
      let result = unsafe bytes.withUnsafeBytes {
        unsafe send(descriptor.rawValue, $0.baseAddress, $0.count, 0)
      }
      if result >= 0 { return }
      let reason = Self.reason
      if reason != .interrupted { throw SystemError(reason, .sendNetlink) }
    }
  }

  /// - Returns: the length of the answer, cut to `bytes`.
  static func receiveNetlink(
    _ descriptor: FileDescriptor, into bytes: inout [UInt8]
  ) throws(SystemError) -> Int {
    while true {
      let result = unsafe bytes.withUnsafeMutableBytes {
        unsafe recv(descriptor.rawValue, $0.baseAddress, $0.count, 0)
      }
      if result >= 0 { return result }
      let reason = Self.reason
      if reason != .interrupted { throw SystemError(reason, .receiveNetlink) }
    }
  }

  // MARK: Time and chance

  static func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    // Cannot fail: the clock exists on every Linux and the pointer is good.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  static func fillRandom(_ bytes: inout MutableSpan<UInt8>) throws(SystemError) {
    var filled = 0
    while filled < bytes.count {
      let result = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe getrandom(buffer.baseAddress?.advanced(by: filled), buffer.count &- filled, 0)
      }
      if result >= 0 {
        filled &+= result
        continue
      }
      let reason = Self.reason
      if reason != .interrupted { throw SystemError(reason, .readRandom) }
    }
  }
}
