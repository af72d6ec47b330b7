import BerkeleyCases
import Testing

extension ClassicCalls {
  /// The shared library as packetdrill loads it.
  @Suite
  struct PlugTests {
    /// Beside the program that runs the tests, where it was built.
    private static let library: String? = {
      guard let program = CommandLine.arguments.first(where: { $0.hasSuffix(".xctest") }) else {
        return nil
      }
      let folder = program.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      return (folder + ["libsockets.so"]).joined(separator: "/")
    }()

    @Test(
      "the table that the library gives to packetdrill drives a connection, in a time of its own",
      .enabled(if: library != nil, "the tests' program says where the library is"))
    func table() throws {
      let library = try #require(Self.library)
      let complaint = unsafe String(cString: run_plug(library))
      #expect(complaint == "")
    }
  }
}
