import Foundation
import Testing

/// Where our stack differs from Linux, which the cases then expect. Each has its section in
/// `Differences.md`, with the reason.
enum Difference: String, CaseIterable, Sendable {
  case closeInNextTurn = "When a socket is closed"
  case cookies = "A listener whose backlog is full"
  case arrivedBeforeReset = "What had arrived before a reset"
  case loopbackBroadcast = "The broadcast address of the loopback network"
  case resetStays = "A connection that was reset"
  case timeWaitIsShown = "The state of a connection that has ended"
  case ipv6OnlySocket = "IPv4 destinations of a socket for IPv6 alone"
  case wildcardDestination = "Connecting to a wildcard address"
  case closedBeforeAccepted = "A connection reset before it is accepted"
  case portsOfConnections = "The port of a connection"
  case endIsNoByte = "The bytes received up to the end of a stream"
  case sourcesOfRawSockets = "The sources that a raw socket of IPv6 has joined for"
  case privileges = "Priorities and marks"
  case portZero = "Connecting to port zero"
  case otherHostsByLoopback = "Other hosts by the loopback device"
  case ownAddressesByAnother = "An IPv4 address of the node's own by another device"
}

extension Conformance {
  @Suite("The list of differences")
  struct DifferenceTests {
    @Test("has a section with a reason for each, and no other")
    func documented() throws {
      let repository = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
      let page = repository.appending(path: "Sources/Sockets/Sockets.docc/Differences.md")
      let text = try String(contentsOf: page, encoding: .utf8)
      var titles: [String] = []
      for section in text.components(separatedBy: "\n### ").dropFirst() {
        let lines = section.split(separator: "\n")
        titles.append(String(try #require(lines.first)))
        for word in ["Linux:", "Our stack:", "Why:"] { #expect(section.contains("- \(word)")) }
      }
      #expect(titles.sorted() == Difference.allCases.map(\.rawValue).sorted())
    }
  }
}
