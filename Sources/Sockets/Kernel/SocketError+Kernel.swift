package import SystemPackage

extension SocketError.Reason {
  /// The kernel's reason in this module's words.
  package init(_ errno: Errno) {
    self =
      switch errno {
      case .badFileDescriptor: .closed
      case .invalidArgument: .invalidOperation
      case .addressInUse: .addressInUse
      case .addressNotAvailable: .addressNotAvailable
      case .addressFamilyNotSupported: .addressFamilyNotSupported
      case .networkUnreachable: .networkUnreachable
      case .noRouteToHost, .hostIsDown: .hostUnreachable
      case .connectionRefused: .connectionRefused
      case .connectionReset: .connectionReset
      case .connectionAbort: .connectionAborted
      case .timedOut: .timedOut
      case .socketNotConnected, .addressRequired: .notConnected
      case .socketIsConnected: .alreadyConnected
      case .brokenPipe: .brokenPipe
      case .messageTooLong: .messageTooLong
      case .noBufferSpace, .noMemory: .noBufferSpace
      case .permissionDenied, .notPermitted: .permissionDenied
      case .networkDown: .networkDown
      case .tooManyOpenFiles, .tooManyOpenFilesInSystem:
        .system(errno: errno.rawValue, "\(errno); raise the limit on open files: ulimit -n")
      default: .system(errno: errno.rawValue, "\(errno)")
      }
  }
}
