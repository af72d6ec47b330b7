/// A version of the Internet Protocol.
public enum IPVersion: UInt8, Hashable, Sendable {
  case v4 = 4
  case v6 = 6
}
