import Host
import ProtocolStack
import SystemPackage

extension SocketError.Reason {
  /// The stack's reason in this module's words.
  init(_ error: StackError) {
    self =
      switch error {
      case .noSuchSocket: .closed
      case .invalidOperation: .invalidOperation
      case .addressInUse: .addressInUse
      case .addressNotAvailable: .addressNotAvailable
      case .addressFamilyNotSupported: .addressFamilyNotSupported
      case .networkUnreachable: .networkUnreachable
      case .hostUnreachable: .hostUnreachable
      case .connectionRefused: .connectionRefused
      case .connectionReset: .connectionReset
      case .connectionAborted: .connectionAborted
      case .timedOut: .timedOut
      case .notConnected: .notConnected
      case .alreadyConnected: .alreadyConnected
      case .brokenPipe: .brokenPipe
      case .messageTooLong: .messageTooLong
      case .noBufferSpace: .noBufferSpace
      case .permissionDenied: .permissionDenied
      case .networkDown: .networkDown
      }
  }

  /// The machine's refusal, with its advice.
  init(_ error: SystemError) {
    self = .system(errno: error.errno.rawValue, error.description)
  }
}
