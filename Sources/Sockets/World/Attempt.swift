/// What a call came to that does not wait.
package enum Attempt<Value: Sendable>: Sendable {
  case done(Value)
  /// Nothing for it now; an event follows.
  case wouldBlock
  /// The socket's own thread would have to be asked, and the caller is on another one.
  case elsewhere

  /// Nothing means that there is nothing now.
  @inline(__always)
  init(_ value: Value?) {
    if let value { self = .done(value) } else { self = .wouldBlock }
  }
}
