import Foundation
import Host
import Synchronization
import Testing

@Suite("Files and threads")
struct FileTests {
  @Test("what is written to a file is read back at any place, and nothing beyond the end")
  func readsBack() throws {
    let path = NSTemporaryDirectory() + "host-file-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let content = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    try HostFile(writing: path).write(content.span)
    let file = try HostFile(reading: path)
    let status = try file.status()
    #expect(status.kind == .regular)
    #expect(status.size == 1000)
    #expect(status.modified > 1_700_000_000)
    var buffer = [UInt8](repeating: 0, count: 64)
    var span = buffer.mutableSpan
    #expect(try file.read(into: &span, at: 900) == 64)
    #expect(buffer == Array(content[900..<964]))
    span = buffer.mutableSpan
    #expect(try file.read(into: &span, at: 990) == 10)
    span = buffer.mutableSpan
    #expect(try file.read(into: &span, at: 1000) == 0)
  }

  @Test("a directory is told from a file, and a missing file has a reason with its path")
  func kinds() throws {
    #expect(try HostFile(reading: "/").status().kind == .directory)
    #expect(try HostFile(reading: "/dev/null").status().kind == .other)
    let error = #expect(throws: SystemError.self) { _ = try HostFile(reading: "/no/such/file") }
    #expect(error?.subject == "/no/such/file")
  }

  @Test("a thread knows itself from others")
  func threads() async throws {
    let here = HostThread.current
    let there = await withCheckedContinuation { continuation in
      do {
        try HostThread.start(name: "a-name-of-more-than-15-bytes") {
          continuation.resume(returning: HostThread.current)
        }
      } catch { continuation.resume(returning: 0) }
    }
    #expect(here != 0)
    #expect(there != 0)
  }
}
