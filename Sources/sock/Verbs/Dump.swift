import ArgumentParser
import Foundation
import Host
import Packets

/// `sock dump`: a capture, for people.
struct Dump: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print a capture, one readable line a packet.",
    discussion: """
      Reads pcapng files, as --pcap and Wireshark write them, into memory.

      Examples:
        sock dump capture.pcapng
        sock dump capture.pcapng --json | jq .summary

      Exit codes: 0 the whole capture was read, 1 it could not be, or not to its end, 2 wrong usage.
      """)

  @Argument(help: "The capture.")
  var file: String

  @Option(name: [.short, .long], help: "Packets to print at most.")
  var count: Int?

  @Flag(help: "Print one JSON object a line.")
  var json = false

  func validate() throws {
    if let count, count < 1 { throw ValidationError("-c takes 1 or more") }
  }

  func run() throws {
    let bytes = try Self.read(file)
    var reader = PcapngReader(bytes.span)
    var output = OutputLines()
    defer { output.flush() }
    var printed = 0
    while printed < count ?? .max {
      let next: PcapngReader.Record?
      do {
        next = try reader.next()
      } catch {
        output.flush()
        let place = printed == 0 ? "it is no pcapng file" : "it is damaged after packet \(printed)"
        throw Complaint("cannot read \(file): \(place) (\(error))")
      }
      guard let record = next else { return }
      printed += 1
      let linkType = LinkType(rawValue: record.linkType)
      let summary =
        linkType.map { PacketSummary(reader.bytes(of: record), linkType: $0).description }
        ?? "link type \(record.linkType), \(record.originalLength) bytes"
      output.add(json ? try Self.line(record, summary) : "\(Self.time(record)) \(summary)")
    }
  }

  private static func read(_ path: String) throws -> [UInt8] {
    let file = try HostFile(reading: path)
    let status = try file.status()
    guard status.kind == .regular else { throw Complaint("\(path) is not a regular file") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(status.size))
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      var span = chunk.mutableSpan
      let count = try file.read(into: &span, at: Int64(bytes.count))
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// The time of day in UTC, to the microsecond; simulated captures begin at midnight.
  private static func time(_ record: PcapngReader.Record) -> String {
    let microseconds = max(record.time.nanoseconds, 0) / 1_000
    let seconds = microseconds / 1_000_000
    return String(
      format: "%02d:%02d:%02d.%06d", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60,
      microseconds % 1_000_000)
  }

  private static func line(_ record: PcapngReader.Record, _ summary: String) throws -> String {
    struct Line: Encodable {
      var time: Double
      var interface: UInt32
      var length: Int
      var summary: String
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = Line(
      time: Double(record.time.nanoseconds) / 1e9, interface: record.interface,
      length: record.originalLength, summary: summary)
    return String(decoding: try encoder.encode(line), as: UTF8.self)
  }
}
