import Foundation
import Testing

@Suite struct TutorialTests {
  @Test("The echo server of the tutorial is the one that is built")
  func echoServer() throws {
    let program = try String(
      contentsOf: Repository.root.appending(path: "Examples/EchoServer/EchoServer.swift"),
      encoding: .utf8)
    let tutorial = try String(
      contentsOf: Repository.root.appending(path: "Sources/Sockets/Sockets.docc/EchoServer.md"),
      encoding: .utf8)
    #expect(!program.isEmpty)
    #expect(tutorial.contains("```swift\n" + program + "```"))
  }
}
