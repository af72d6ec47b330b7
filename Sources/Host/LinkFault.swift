import SystemPackage

/// What a link's refusal of one packet means for the link.
///
/// Only ``gone`` ends a link; a driver drops the packet and carries on after the others.
public enum LinkFault: Hashable, Sendable {
  /// No memory for the packet just now (ENOBUFS, ENOMEM): drop it, the next may pass.
  case congested
  /// The interface is down (EIO, ENETDOWN): packets are lost until it is up again.
  case down
  /// This packet cannot be carried (EINVAL, EMSGSIZE): malformed, too large, or a wish for an
  /// offload the link does not have.
  case refused
  /// The device was deleted or the descriptor is no longer its queue: close the link.
  case gone
}

extension SystemError {
  /// The meaning of a failed ``TunnelLink/receive(into:)`` or ``TunnelLink/transmit(_:)``.
  public var linkFault: LinkFault {
    switch errno {
    case .noBufferSpace, .noMemory: .congested
    case .ioError, .networkDown: .down
    case .invalidArgument, .messageTooLong: .refused
    default: .gone
    }
  }
}
