import Foundation

/// Lines on their way to standard output, many at a time.
struct OutputLines {
  private var text = ""

  mutating func add(_ line: String) {
    text += line
    text += "\n"
    if text.utf8.count >= 65_536 { flush() }
  }

  mutating func flush() {
    FileHandle.standardOutput.write(Data(text.utf8))
    text = ""
  }
}
