/// The states of a connection (RFC 9293 §3.3.2). LISTEN is a ``Listener``'s own.
///
/// ```
///                     CLOSED ── connect ──▶ SYN-SENT ──┐ SYN-ACK
///   LISTEN ── SYN ──▶ SYN-RECEIVED ◀── SYN ────┘       │
///                          │ ACK                       ▼
///                          └──────────────────▶ ESTABLISHED
///                 close ┌─────────────────────────┴───────┐ FIN
///                       ▼                                 ▼
///                  FIN-WAIT-1 ── FIN ──▶ CLOSING      CLOSE-WAIT
///                   │ ACK of FIN           │ ACK          │ close
///                   ▼                      ▼              ▼
///                  FIN-WAIT-2 ── FIN ──▶ TIME-WAIT     LAST-ACK ── ACK ──▶ CLOSED
/// ```
public enum ConnectionState: UInt8, Sendable, CaseIterable {
  case closed, synSent, synReceived, established
  case finWait1, finWait2, closeWait, closing, lastAck, timeWait

  /// Both sides know each other's sequence numbers.
  var isSynchronized: Bool { self != .closed && self != .synSent }

  /// The user may still queue data.
  var canSend: Bool {
    switch self {
    case .synSent, .synReceived, .established, .closeWait: true
    default: false
    }
  }

  /// The peer may still send data.
  var canReceive: Bool {
    switch self {
    case .synSent, .synReceived, .established, .finWait1, .finWait2: true
    default: false
    }
  }

  /// Whether the diagram has an edge from here to `next`. Every state but CLOSED may be aborted.
  func allows(_ next: ConnectionState) -> Bool {
    switch (self, next) {
    case (_, .closed), (.closed, .synSent), (.closed, .synReceived): true
    case (.synSent, .established), (.synSent, .synReceived): true
    case (.synReceived, .established), (.synReceived, .finWait1), (.synReceived, .closeWait): true
    case (.established, .finWait1), (.established, .closeWait): true
    case (.finWait1, .finWait2), (.finWait1, .closing), (.finWait1, .timeWait): true
    case (.finWait2, .timeWait), (.closing, .timeWait), (.closeWait, .lastAck): true
    default: false
    }
  }
}
