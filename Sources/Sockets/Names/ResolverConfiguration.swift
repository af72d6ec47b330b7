public import Addresses
public import Packets

/// Whom a ``Resolver`` asks, and how: what `/etc/resolv.conf` says (resolv.conf(5)).
public struct ResolverConfiguration: Hashable, Sendable {
  /// The name servers, in the order they are asked.
  public var servers: [SocketAddress]
  /// What is put behind names that are not complete, in the order it is tried.
  public var search: [DomainName]
  /// A name with that many dots is tried as it is before anything is put behind it (`ndots`).
  public var completeDots: Int
  /// How long one server has for one answer.
  public var timeout: Duration
  /// How often all servers are asked in turn.
  public var attempts: Int
  /// Whether each question begins with the next server (`rotate`).
  public var rotates: Bool
  /// Whether to ask over TCP at once (`use-vc`).
  public var usesStream: Bool
  /// Whether questions vary in the case of their letters, which the answer must repeat: harder to
  /// forge, and a few servers answer wrongly (draft-vixie-dnsext-dns0x20).
  public var variesCase: Bool

  public init(
    servers: [SocketAddress], search: [DomainName] = [], completeDots: Int = 1,
    timeout: Duration = .seconds(5), attempts: Int = 2, rotates: Bool = false,
    usesStream: Bool = false, variesCase: Bool = false
  ) {
    self.servers = servers
    self.search = search
    self.completeDots = completeDots
    self.timeout = timeout
    self.attempts = attempts
    self.rotates = rotates
    self.usesStream = usesStream
    self.variesCase = variesCase
  }

  /// The port of name servers.
  public static var port: PortNumber { 53 }

  /// Reads a text like `/etc/resolv.conf`. What is not understood is passed over; numbers have the
  /// limits Linux gives them. Without a server it is this machine's own, at `127.0.0.1`.
  ///
  /// - Parameter zones: the interface index of a zone given by name, as in `fe80::1%eth0`.
  public init(text: String, zones: (String) -> UInt32? = { _ in nil }) {
    self.init(servers: [])
    for line in text.split(whereSeparator: \.isNewline) {
      guard line.first != "#", line.first != ";" else { continue }
      let fields = line.split(whereSeparator: \.isWhitespace)
      let values = fields.dropFirst()
      switch fields.first {
      case "nameserver":
        guard let value = values.first,
          let server = try? SocketAddress(parsingAddress: value, port: Self.port, zones: zones)
        else { continue }
        if servers.count < 8 { servers.append(server) }
      case "domain", "search":
        search = values.prefix(32).compactMap { DomainName($0) }.filter { $0 != .root }
      case "options":
        for option in values { read(option: option) }
      default: continue
      }
    }
    if servers.isEmpty {
      servers = [SocketAddress(.v4(.loopback), port: Self.port)]
    }
  }

  private mutating func read(option: Substring) {
    let parts = option.split(separator: ":", maxSplits: 1)
    let number = parts.count == 2 ? Int(parts[1]) : nil
    switch (parts.first, number) {
    case ("ndots", let number?): completeDots = min(max(number, 0), 15)
    case ("timeout", let number?): timeout = .seconds(min(max(number, 1), 30))
    case ("attempts", let number?): attempts = min(max(number, 1), 5)
    case ("rotate", nil): rotates = true
    case ("use-vc", nil): usesStream = true
    default: return
    }
  }

  /// This machine's: `/etc/resolv.conf`.
  public static var system: ResolverConfiguration {
    ResolverConfiguration(text: SystemText.read("/etc/resolv.conf"), zones: SystemText.zone)
  }

  /// The names that a name as people give it may mean, in the order they are tried.
  ///
  /// - Returns: nil where it is no name.
  func candidates(for text: String) -> [DomainName]? {
    guard let name = DomainName(text) else { return nil }
    if text.hasSuffix(".") { return [name] }
    let longer = search.compactMap { name.appending($0) }
    return name.labelCount > completeDots ? [name] + longer : longer + [name]
  }
}
