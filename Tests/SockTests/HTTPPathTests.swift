import Foundation
import Host
import Testing
import sock

@Suite("The path of a request")
struct HTTPPathTests {
  @Test(
    "is decoded and cleaned",
    arguments: [
      ("/", [], true), ("/a/b", ["a", "b"], false), ("/a/b/", ["a", "b"], true),
      ("//a//b", ["a", "b"], false), ("/a/./b", ["a", "b"], false),
      ("/a%20b?x=/../y", ["a b"], false),
      ("/%E2%82%AC", ["€"], false), ("http://host/a", ["a"], false), ("http://host", [], true),
      ("/...", ["..."], false),
    ] as [(String, [String], Bool)])
  func cleaned(target: String, components: [String], isDirectory: Bool) throws {
    let path = try #require(HTTPPath(target: target))
    #expect(path.components == components)
    #expect(path.isDirectory == isDirectory)
  }

  @Test(
    "that leads out of the directory or is malformed is none",
    arguments: [
      "/..", "/../etc/passwd", "/a/../../b", "/%2e%2e/etc/passwd", "/..%2fetc", "/a/%2E%2E/b",
      "/%", "/%4", "/%zz", "/%00", "/%ff", "*", "", "a", "ftp://host/a",
    ])
  func refused(target: String) {
    #expect(HTTPPath(target: target) == nil)
  }

  @Test("is written back so that it means the same")
  func target() {
    #expect(HTTPPath(target: "/a%20b/%25c/")?.target == "/a%20b/%25c/")
    #expect(HTTPPath(target: "/")?.target == "/")
  }

  @Test("finds files below the directory alone, whatever links say")
  func tree() throws {
    let manager = FileManager.default
    let base = NSTemporaryDirectory() + "file-tree-\(UInt64.random(in: 0 ... .max))"
    defer { try? manager.removeItem(atPath: base) }
    try manager.createDirectory(atPath: base + "/root/sub", withIntermediateDirectories: true)
    try manager.createDirectory(atPath: base + "/root/site", withIntermediateDirectories: true)
    for name in ["secret", "root/file.txt", "root/site/index.html", "root/sub/<b>.txt"] {
      #expect(manager.createFile(atPath: base + "/" + name, contents: Data("x".utf8)))
    }
    try manager.createSymbolicLink(
      atPath: base + "/root/out", withDestinationPath: base + "/secret")
    try manager.createSymbolicLink(
      atPath: base + "/root/in", withDestinationPath: base + "/root/file.txt")
    let tree = try FileTree(base + "/root")
    func kind(_ target: String) throws -> String {
      switch tree.find(try #require(HTTPPath(target: target))) {
      case .file(_, let status, _): "file of \(status.size)"
      case .listing(let page): page
      case .moved(let target): "moved to \(target)"
      case .nothing: "nothing"
      }
    }
    #expect(try kind("/file.txt") == "file of 1")
    #expect(try kind("/in") == "file of 1")
    #expect(try kind("/out") == "nothing")
    #expect(try kind("/missing") == "nothing")
    #expect(try kind("/file.txt/") == "nothing")
    #expect(try kind("/site/") == "file of 1")
    #expect(try kind("/sub") == "moved to /sub/")
    #expect(try kind("/sub/").contains("<a href=\"./%3Cb%3E.txt\">&lt;b&gt;.txt</a>"))
    #expect(try kind("/").contains("<a href=\"./sub/\">sub/</a>"))
    #expect(throws: Complaint.self) { try FileTree(base + "/secret") }
    #expect(throws: Complaint.self) { try FileTree(base + "/nowhere") }
  }
}
