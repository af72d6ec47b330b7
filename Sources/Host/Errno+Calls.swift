internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

// What calls of the kernel answer, as errors.
extension Errno {
  /// The reason of the call that has just failed.
  static var last: Errno { Errno(rawValue: errno) }

  /// Of a call that answers zero where it is done.
  static func check(_ answer: Int32) throws(Errno) {
    if answer != 0 { throw .last }
  }

  /// Makes a call that answers below zero where it fails, and again where it was interrupted.
  ///
  /// - Returns: the call's answer; nil where it would block.
  @inline(__always)
  static func attempt<Answer: SignedInteger>(
    _ call: () -> Answer
  ) throws(Errno) -> Answer? {
    while true {
      let answer = call()
      if answer >= 0 { return answer }
      switch last {
      case .wouldBlock: return nil
      case .interrupted: continue
      case let reason: throw reason
      }
    }
  }

  /// As ``attempt(_:)``, with room that the call fills.
  @inline(__always)
  static func attempt<Answer: SignedInteger>(
    filling bytes: inout MutableSpan<UInt8>,
    _ call: (UnsafeMutableRawPointer?, Int) -> Answer
  ) throws(Errno) -> Answer? {
    try attempt {
      unsafe bytes.withUnsafeMutableBytes { unsafe call($0.baseAddress, $0.count) }
    }
  }

  /// As ``attempt(_:)``, with bytes that the call hands on.
  @inline(__always)
  static func attempt<Answer: SignedInteger>(
    sending bytes: Span<UInt8>, _ call: (UnsafeRawPointer?, Int) -> Answer
  ) throws(Errno) -> Answer? {
    try attempt { unsafe bytes.withUnsafeBytes { unsafe call($0.baseAddress, $0.count) } }
  }
}

extension FileDescriptor {
  /// Of a call that answers with a new descriptor, or below zero where it fails.
  static func opened(_ answer: Int32) throws(Errno) -> FileDescriptor {
    guard answer >= 0 else { throw .last }
    return FileDescriptor(rawValue: answer)
  }
}
