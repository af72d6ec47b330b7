/// A sentence about what the person at the keyboard gave.
package struct Complaint: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
