import Testing

@Suite struct LawTests {
  @Test("The repository obeys", arguments: Law.all)
  func obeyed(law: Law) {
    for file in Repository.files where !law.excepts(file.path) {
      let faults = law.faults(file)
      if faults.isEmpty { continue }
      let list = faults.map(\.description).joined(separator: "\n")
      Issue.record("\(law.name). \(law.why)\n\(list)")
    }
  }

  @Test("The sources are found, every module and every test among them")
  func sourcesAreFound() {
    let paths = Repository.files.map(\.path)
    #expect(paths.contains("Package.swift"))
    #expect(paths.contains("Sources/Addresses/Prefix.swift"))
    #expect(paths.contains("Tests/TidyTests/LawTests.swift"))
    #expect(Repository.files.allSatisfy { !$0.text.code.isEmpty })
  }

  @Test("No exception outlives its need", arguments: Law.all)
  func exceptionsAreNeeded(law: Law) {
    for (path, reason) in law.exceptions {
      #expect(!reason.isEmpty)
      let isUsed = Repository.files.contains { file in
        (file.path == path || path.hasSuffix("/") && file.path.hasPrefix(path))
          && !law.faults(file).isEmpty
      }
      #expect(isUsed, "\(path) does not need its exception from: \(law.name)")
    }
  }

  /// Files that break a law, by its name, and the line where they do.
  private static let broken: [(String, String, String, Int)] = [
    ("imports point only downward", "Sources/Addresses/A.swift", "public import Packets", 1),
    ("imports point only downward", "Sources/Packets/A.swift", "//\nimport Foundation", 2),
    ("imports point only downward", "Sources/Packets/A.swift", "@_exported import Glibc", 1),
    ("imports point only downward", "Sources/Supervisor/A.swift", "import struct Packets.P", 1),
    ("imports point only downward", "Sources/Unheard/A.swift", "import Addresses", 1),
    ("unsafe code is confined", "Sources/Sockets/A.swift", "let a = unsafe b", 1),
    ("unsafe code is confined", "Sources/Sockets/A.swift", "struct A: @unchecked Sendable {}", 1),
    ("unsafe code is confined", "Sources/Sockets/A.swift", "\n@safe struct A {}", 2),
    ("unsafe code is confined", "Sources/Host/A.swift", "nonisolated(unsafe) var a = 1", 1),
    ("nothing in the core stops the process", "Sources/Packets/A.swift", "fatalError()", 1),
    ("nothing in the core stops the process", "Sources/Packets/A.swift", "precondition(a)", 1),
    ("nothing in the core stops the process", "Sources/Packets/A.swift", "unowned let a: A", 1),
    ("no try! and no as!", "Sources/sock/A.swift", "let a = try! b()", 1),
    ("no try! and no as!", "Tests/A/A.swift", "let a = b as! C", 1),
    ("no forced unwraps below Sockets", "Sources/Packets/A.swift", "let a = b!", 1),
    ("no forced unwraps below Sockets", "Sources/Host/A.swift", "let a = b()!.c", 1),
    ("no forced unwraps below Sockets", "Sources/Packets/A.swift", "let a = b[1]!", 1),
    ("no forced unwraps below Sockets", "Sources/Packets/A.swift", "var a: Int!", 1),
    ("arithmetic in Packets never traps", "Sources/Packets/A.swift", "let a = b + 1", 1),
    ("arithmetic in Packets never traps", "Sources/Packets/A.swift", "a -= 1", 1),
    (
      "time, chance, threads and tasks come from outside the core", "Sources/Simulation/A.swift",
      "let now = ContinuousClock.now", 1
    ),
    (
      "time, chance, threads and tasks come from outside the core",
      "Sources/ProtocolStack/A.swift", "Int.random(in: 0...1)", 1
    ),
    (
      "time, chance, threads and tasks come from outside the core",
      "Sources/ProtocolStack/A.swift", "func a() async {}", 1
    ),
    ("tests see what users see", "Tests/A/A.swift", "@testable import Addresses", 1),
    ("tests wait for events, not for time", "Tests/A/A.swift", "try await Task.sleep(a)", 1),
    ("nothing is left for later", "Sources/sock/A.swift", "a() // TODO: more", 1),
    ("nothing is left for later", "Package.swift", "/* a\n FIXME */", 2),
    (
      "lines have at most 100 columns", "Sources/sock/A.swift",
      "//" + String(repeating: " a", count: 50), 1
    ),
    (
      "files have at most 450 lines", "Tests/A/A.swift",
      String(repeating: "\n", count: 451), 451
    ),
    ("a source opens by saying what it is", "Sources/sock/A.swift", "import B\nstruct A {}", 2),
    ("a source opens by saying what it is", "Sources/sock/A.swift", "extension A {\n var b }", 2),
  ]

  @Test("Each law catches what it forbids", arguments: broken)
  func catches(name: String, path: String, text: String, line: Int) throws {
    let law = try #require(Law.all.first { $0.name == name })
    let faults = law.faults(SourceFile(path: path, text: text))
    #expect(faults.map(\.line) == [line])
    #expect(faults.first?.path == path)
  }

  @Test("No law is without an example", arguments: Law.all)
  func everyLawHasExamples(law: Law) {
    #expect(Self.broken.contains { $0.0 == law.name })
  }

  @Test(
    "What is allowed passes every law",
    arguments: [
      ("Sources/Packets/A.swift", "public import Addresses\n\n/// A.\nstruct A {}"),
      ("Sources/Packets/A.swift", "/// Never `try!`, `a!`, `fatalError()` nor `unsafe`."),
      ("Sources/Packets/A.swift", "// a\nlet a = \"b! + c try! unsafe ContinuousClock\""),
      ("Sources/Packets/A.swift", "// a\nlet a = b &+ c &- d\nif a != b, !c, d!=e {}"),
      ("Sources/Packets/A.swift", "extension A {\n  /// b\n  var b: Int { 1 }\n}"),
      ("Sources/Simulation/A.swift", "// a\nlet a = Int.random(in: 0...1, using: &generator)"),
      ("Sources/sock/A.swift", "// a\nimport ArgumentParser\nlet a = b! + c\nfatalError(d)"),
      ("Tests/A/A.swift", "import Foundation\nlet ff02XXXX = a! + b"),
      ("Sources/sock/A.swift", "/// ff02::1:ffXX:XXXX, 192.0.2.XXX0"),
      ("Sources/sock/A.swift", "//" + String(repeating: " a", count: 49)),
      ("Sources/sock/A.swift", "// See ``" + String(repeating: "a", count: 100) + "``."),
      ("Sources/Packets/A.swift", "// a\nlet a = \"b\" + c\na += \"d\""),
      ("Tests/A/A.swift", String(repeating: "\n", count: 450)),
    ])
  func passes(path: String, text: String) {
    let file = SourceFile(path: path, text: text)
    for law in Law.all { #expect(law.faults(file).isEmpty, "\(law.name)") }
  }
}

@Suite struct SwiftTextTests {
  @Test(
    "Code and comments are told apart",
    arguments: [
      ("a // b", "a ", " b"), ("a /* b /* c */ d */ e", "a  e", " b  c  d "),
      ("a(\"b // c\")", "a(\"\")", ""), (#"a("b \" c") // d"#, "a(\"\") ", " d"),
      (#"a("b \(c(d) + "e") f") g"#, #"a(" c(d) + "")") g"#, ""),
      ("#\"a\" b \\(c)\"# d", "\"\" d", ""), ("#if a // b", "#if a ", " b"),
      ("\"\" + a", "\"\" + a", ""),
    ])
  func lines(line: String, code: String, comment: String) {
    let text = SwiftText(line)
    #expect(text.code == [code])
    #expect(text.comments == [comment])
  }

  @Test("What begins on one line goes on over the next ones")
  func severalLines() {
    let text = SwiftText("a /* b\nc */ d\nlet e = \"\"\"\n  f // \"g\"\n  \"\"\" // h\ni // j\nk")
    #expect(text.code == ["a ", " d", "let e = \"", "", "\" ", "i ", "k"])
    #expect(text.comments == [" b", "c ", "", "", " h", " j", ""])
  }
}
