import Addresses
import ProtocolStack

/// A socket's options as Linux counts them: buffers doubled, times in nanoseconds.
struct SocketOptions: Sendable {
  var reusesAddress = false
  var reusesPort = false
  var keepsAlive = false
  var allowsBroadcast = false
  /// As `getsockopt` tells them; nil: the defaults, tuned.
  var sendBuffer: Int64?
  var receiveBuffer: Int64?
  /// Seconds; nil: off.
  var linger: Int64?
  /// Nanoseconds; zero: none.
  var receiveTimeout: Int64 = 0
  var sendTimeout: Int64 = 0
  var receiveLowWater: Int64 = 1
  var noDelay = false
  var isCorked = false
  var maximumSegment: Int64 = 0
  /// Seconds.
  var keepIdle: Int64 = 7_200
  var keepInterval: Int64 = 75
  var keepCount: Int64 = 9
  /// Milliseconds; zero: none.
  var userTimeout: Int64 = 0
  var congestion: Int64 = 1
  var isIPv6Only = false
  var trafficClass: Int64 = 0
  /// nil: the node's.
  var hops: Int64?
  var multicastHops: Int64 = 1
  var loopsMulticast = true
  var multicastInterface: Int64 = 0
  /// What the interface was named by (`IP_MULTICAST_IF`); nil: a number, or nothing.
  var multicastAddress: IPAddress?
  var tellsPacketInfo = false
  var tellsTrafficClass = false
  var inquires = false
  /// Of raw sockets: what is sent brings its IP header.
  var includesHeader = false
  /// Of raw sockets of IPv6; nil: no checksum is kept.
  var checksumOffset: Int64?
  var filter = ICMPv6Filter.passingAll
  /// nil: any.
  var device: InterfaceIndex?
  /// As `getsockopt` tells it; zero: the stack's.
  var notSentLowWater: Int64 = 0
  /// Values that are kept and told, and change nothing.
  var kept: [Int32: Int64] = [:]

  let isStream: Bool

  init(isStream: Bool) { self.isStream = isStream }
}
