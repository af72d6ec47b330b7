import Foundation
import ProtocolStack
import Testing

/// The inputs that the fuzzers begin from, and those that once ended in a trap, as plain tests:
/// through the same entry points, without a fuzzer, in every build.
@Suite struct ReplayTests {
  /// One file of a corpus; its name says what it is about.
  struct Input: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]

    var testDescription: String { name }

    static func all(of target: String) -> [Input] {
      let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Corpus").appending(path: target)
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
      return names.sorted().compactMap { name in
        let data = try? Data(contentsOf: folder.appending(path: name))
        return data.map { Input(name: name, bytes: Array($0)) }
      }
    }
  }

  @Test("Every parser's corpus passes", arguments: Input.all(of: "parsers"))
  func parsers(input: Input) { exerciseParsers(input.bytes.span) }

  @Test("Every script of the whole stack's corpus passes", arguments: Input.all(of: "stack"))
  func stack(input: Input) { exerciseStack(input.bytes.span) }

  @Test("A script cut short anywhere passes", arguments: Input.all(of: "stack"))
  func cutScripts(input: Input) {
    for length in 0..<input.bytes.count {
      exerciseStack(Array(input.bytes.prefix(length)).span)
    }
  }

  @Test("The scripts reach what they are about")
  func scriptsReachTheirAim() throws {
    var reached: [String: StackReach] = [:]
    for input in Input.all(of: "stack") { reached[input.name] = exerciseStack(input.bytes.span) }
    func reach(_ name: String) throws -> StackReach { try #require(reached[name], "\(name)") }

    let exchange = try reach("exchange-and-close")
    #expect(exchange.bytesRead == 100)
    #expect(exchange.bytesWritten == 256 * 51)
    #expect(try reach("front-sent-again").bytesRead == 116)
    #expect(try reach("passive-open-ipv6").bytesRead == 150)
    #expect(try reach("holes-and-overlaps").tcp.outOfOrder > 0)
    #expect(try reach("resets-and-challenges").tcp.challenges > 0)
    #expect(try reach("retransmission-and-sack").tcp.retransmissions > 0)
    #expect(try reach("cookies").tcp.cookiesAccepted > 0)
    #expect(try reach("no-cookies-ethernet").tcp.backlogOverflow > 0)
    #expect(try reach("datagrams").stack.datagramsReceived > 0)
    #expect(try reach("errors-about-ours").stack.errorsReceived > 0)
    #expect(try reach("errors-about-ours").tcp.pathErrors > 0)
    #expect(try reach("errors-about-ours-ipv6").stack.pathUpdates > 0)
    #expect(try reach("fragments").stack.datagramsReassembled > 0)
    #expect(try reach("extension-headers").stack.reassemblyTimeouts > 0)
    #expect(try reach("neighbours").stack.neighborFailures > 0)
    #expect(try reach("router-advertisement").stack.routerAdvertisements > 0)
    #expect(try reach("solicitation").stack.neighborDiscoveryReceived > 0)
    #expect(try reach("extension-headers").stack.fragmentsReceived > 0)
    #expect(try reach("own-loopback").stack.packetsLooped > 0)
    #expect(try reach("own-loopback").bytesRead > 0)
    #expect(try reach("busy-link").stack.errorsSent > 0)
    #expect(try reach("simultaneous-open").tcp.connectionsOpened > 1)
    #expect(try reach("tiny-mtu").stack.datagramsFragmented > 0)
  }

  @Test("Both corpora are found")
  func corporaAreFound() {
    #expect(Input.all(of: "parsers").count >= 16)
    #expect(Input.all(of: "stack").count >= 8)
  }
}
