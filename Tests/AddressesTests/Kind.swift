import Testing

/// A question asked of addresses, with some that it holds for and some that it does not: the first
/// and last of each block, and their neighbours outside.
struct Kind<Address: Sendable>: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let holds: @Sendable (Address) -> Bool
  let inside: [String]
  let outside: [String]

  init(
    _ name: String, _ holds: @escaping @Sendable (Address) -> Bool,
    _ inside: [String], not outside: [String]
  ) {
    testDescription = name
    self.holds = holds
    self.inside = inside
    self.outside = outside
  }

  func check(_ parse: (String) throws -> Address) throws {
    for text in inside { #expect(holds(try parse(text)), "\(text) is \(testDescription)") }
    for text in outside { #expect(!holds(try parse(text)), "\(text) is not \(testDescription)") }
  }
}
