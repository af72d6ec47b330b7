// Runs the packet path a given number of times, for Scripts/hot-path to count what that takes.
//
//   hotpath bulk MEBIBYTES        one way, MTU 1500, checksums in software
//   hotpath bulk6 MEBIBYTES       the same over IPv6
//   hotpath offload MEBIBYTES     one way, super-segments of 64 KiB, checksums left to the link
//   hotpath exchange ROUNDS       a 100-byte request and its answer, MTU 1500
//
// Prints the number of segments with payload. Two runs of different lengths differ by nothing but
// their steady state.

import Packets

@main
struct HotPath {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let amount = Int(arguments[2]), amount > 0 else { return usage() }
    switch arguments[1] {
    case "bulk": try bulk(LinkAbilities(mtu: 1_500), mebibytes: amount)
    case "bulk6": try bulk(LinkAbilities(mtu: 1_500), isIPv4: false, mebibytes: amount)
    case "offload":
      let abilities = LinkAbilities(
        mtu: 1_500, checksumOffload: true, segmentationOffload: 65_535, receiveCoalescing: true)
      try bulk(abilities, mebibytes: amount)
    case "exchange":
      var pair = try Pair.connected(over: LinkAbilities(mtu: 1_500))
      var buffer = [UInt8](repeating: 0x5A, count: 100)
      try pair.exchange(amount, &buffer)
      print("segments=\(pair.segments) packets=\(pair.packets)")
    default: usage()
    }
  }

  private static func bulk(
    _ abilities: LinkAbilities, isIPv4: Bool = true, mebibytes: Int
  ) throws {
    var pair = try Pair.connected(over: abilities, isIPv4: isIPv4)
    var buffer = [UInt8](repeating: 0x5A, count: 65_536)
    try pair.transfer(mebibytes << 20, &buffer)
    print("segments=\(pair.segments) packets=\(pair.packets)")
  }

  private static func usage() {
    print("usage: hotpath bulk|bulk6|offload MEBIBYTES, hotpath exchange ROUNDS")
  }
}
