import Host

/// The texts of the kernel, which have no length before they are read and come a page at a time.
package enum KernelText {
  /// - Returns: all of it; nil where it cannot be read.
  package static func read(_ path: String) -> String? {
    guard let file = try? HostFile(reading: path) else { return nil }
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while true {
      var span = part.mutableSpan
      guard let count = try? file.read(into: &span, at: Int64(text.count)) else { return nil }
      if count == 0 { return String(decoding: text, as: UTF8.self) }
      text.append(contentsOf: part[..<count])
    }
  }
}
