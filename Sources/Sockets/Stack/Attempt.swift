/// What a call on the stack came to that does not wait.
enum Attempt<Value: Sendable>: Sendable {
  case done(Value)
  /// Nothing for it now; an event follows.
  case wouldBlock
  case failed(SocketError.Reason)
}
