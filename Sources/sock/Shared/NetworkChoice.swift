import Addresses
package import Sockets

/// `--network tun:NAME=ADDRESS/LENGTH[,…]` or `tap:…`: a device, and our addresses on it. Or
/// `--network host`: this machine's own network.
package struct NetworkChoice: Hashable, Sendable {
  /// nil for this machine's own.
  package var attachment: StackAttachment?

  /// - Throws: a ``Complaint`` that says what is expected.
  package init(parsing text: String) throws(Complaint) {
    let form = "expected host, tun:NAME=ADDRESS/LENGTH[,ADDRESS/LENGTH...] or tap:..."
    if text == "host" {
      attachment = nil
      return
    }
    guard let colon = text.firstIndex(of: ":") else {
      throw Complaint("\"\(text)\" names no network: \(form)")
    }
    let kind: StackAttachment.Kind
    switch text[..<colon] {
    case "tun": kind = .tun
    case "tap": kind = .tap(nil)
    case let other: throw Complaint("there is no network of the kind \"\(other)\": \(form)")
    }
    let rest = text[text.index(after: colon)...]
    guard let equals = rest.firstIndex(of: "=") else {
      throw Complaint("\"\(text)\" gives no address: \(form)")
    }
    let name = String(rest[..<equals])
    guard (1...15).contains(name.utf8.count), !name.contains(where: { "/ :".contains($0) }) else {
      throw Complaint("\"\(name)\" cannot be a device's name: 1 to 15 bytes, no '/', ':' or space")
    }
    var addresses: [Prefix] = []
    let list = rest[rest.index(after: equals)...]
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      do {
        addresses.append(try Prefix(parsing: part))
      } catch {
        throw Complaint("\(error); \(form)")
      }
    }
    attachment = StackAttachment(kind, name: name, addresses: addresses)
  }
}
