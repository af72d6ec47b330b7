public import Addresses
public import Logging
public import Packets
import Synchronization

/// Asks name servers over any node (RFC 1034, RFC 1035), and remembers what they say.
///
/// ```
/// let resolver = Resolver(on: node)
/// let addresses = try await resolver.addresses(of: "www.example.org")
/// ```
///
/// It is a stub: it wants servers that ask others in turn. Questions go from a fresh port each and
/// with a random identifier, and only the asked server's answer to that very question counts (RFC
/// 5452 §9). Answers too long for UDP are fetched over TCP. Every call ends with
/// ``SocketError/Reason/cancelled`` when its task is cancelled; its sockets close with it.
public final class Resolver: NameResolver {
  let node: any NetworkNode
  let logger: Logger
  /// Whom it asks, and how.
  public let configuration: ResolverConfiguration
  /// The names that nobody is asked about.
  public let hosts: HostsTable
  private let cache: Mutex<ResolverCache>
  private let turn = Atomic<Int>(0)

  /// - Parameters:
  ///   - node: whose sockets are used.
  ///   - configuration: whom to ask; this machine's without it, which reads a small file at once.
  ///   - hosts: names that nobody is asked about.
  ///   - cacheCapacity: the answers that are remembered, absences among them.
  ///   - logger: hears of servers that fail and of answers that are not believed; nil for the
  ///     node's.
  public init(
    on node: any NetworkNode, configuration: ResolverConfiguration = .system,
    hosts: HostsTable = .system, cacheCapacity: Int = 1_024,
    logger: Logger? = nil
  ) {
    self.node = node
    self.logger = logger ?? node.logger
    self.configuration = configuration
    self.hosts = hosts
    cache = Mutex(ResolverCache(capacity: cacheCapacity))
  }

  /// The addresses of a name: its own if it is numeric, then those of the hosts table, then what
  /// the servers say, of both IP versions, sorted (RFC 6724 §6).
  public func addresses(
    of name: String, timeout: Duration?
  ) async throws(SocketError) -> [SocketAddress] {
    if let numeric = try? SocketAddress(parsingAddress: name, zones: SystemText.zone) {
      return [numeric]
    }
    let known = knownAddresses(of: name)
    if !known.isEmpty { return sorted(known) }
    let time = TimeAllowed(timeout, on: node.clock)
    let found = try await search(name) { (candidate) async throws(SocketError) in
      async let four = self.lookUpWhole(candidate, .a, name, time)
      async let six = self.lookUpWhole(candidate, .aaaa, name, time)
      return try await Self.union(six, four)
    }
    let addresses = found.compactMap { record -> SocketAddress? in
      guard case .address(let address) = record.content else { return nil }
      return SocketAddress(address, port: .any)
    }
    return sorted(addresses)
  }

  /// What the servers say of a name and a type of record. Other names that it is another word for
  /// are followed; the search list is used.
  ///
  /// - Returns: at least one, with the lifetimes that are left of them.
  /// - Throws: as ``addresses(of:timeout:)``.
  public func records(
    of name: String, type: RecordType, timeout: Duration? = nil
  ) async throws(SocketError) -> [ResourceRecord] {
    let time = TimeAllowed(timeout, on: node.clock)
    return try await search(name) { (candidate) async throws(SocketError) in
      try await self.lookUp(candidate, type, name, time)
    }
  }

  /// The names of an address, from the hosts table or from the servers (RFC 1035 §3.5, RFC 3596
  /// §2.5).
  ///
  /// - Returns: at least one.
  /// - Throws: as ``addresses(of:timeout:)``; nobody else knows whether a name is true.
  public func names(
    of address: IPAddress, timeout: Duration? = nil
  ) async throws(SocketError) -> [String] {
    let known = hosts.names(of: address)
    if !known.isEmpty { return known }
    let name = DomainName(reverseOf: address)
    let finding = try await lookUp(name, .ptr, "\(address)", TimeAllowed(timeout, on: node.clock))
    return try Self.records(finding, for: "\(address)").compactMap { record in
      guard case .name(let name) = record.content else { return nil }
      return name.description
    }
  }

  /// Tries the names that `text` may mean.
  private func search(
    _ text: String,
    _ lookUp: (DomainName) async throws(SocketError) -> ResolverCache.Finding
  ) async throws(SocketError) -> [ResourceRecord] {
    guard let candidates = configuration.candidates(for: text) else {
      throw SocketError(.resolve(text), reason: .badEndpoint("it is no name"))
    }
    var absence = ResolverCache.Finding.noName
    for candidate in candidates {
      switch try await lookUp(candidate) {
      case .records(let records): return records
      case .noData: absence = .noData
      case .noName: continue
      }
    }
    return try Self.records(absence, for: text)
  }

  private static func records(
    _ finding: ResolverCache.Finding, for text: String
  ) throws(SocketError) -> [ResourceRecord] {
    switch finding {
    case .records(let records): return records
    case .noName: throw SocketError(.resolve(text), reason: .nameNotFound)
    case .noData: throw SocketError(.resolve(text), reason: .nameHasNoData)
    }
  }

  // RFC 6761 §6.3, §6.4: nobody is asked about these.
  private func knownAddresses(of name: String) -> [SocketAddress] {
    let listed = hosts.addresses(of: name)
    guard listed.isEmpty, let last = name.lowercased().split(separator: ".").last else {
      return listed
    }
    guard last == "localhost" else { return [] }
    return [
      SocketAddress(.v6(.loopback), port: .any), SocketAddress(.v4(.loopback), port: .any),
    ]
  }

  private func sorted(_ addresses: [SocketAddress]) -> [SocketAddress] {
    AddressOrder(addresses.map { ($0, node.source(towards: $0)) }).sorted
  }

  // MARK: Questions

  /// As ``lookUp(_:_:_:_:)``, but with the failure as a value, so that one of two questions may
  /// fail.
  private func lookUpWhole(
    _ name: DomainName, _ type: RecordType, _ text: String, _ time: TimeAllowed
  ) async -> Result<ResolverCache.Finding, SocketError> {
    do throws(SocketError) {
      return .success(try await lookUp(name, type, text, time))
    } catch {
      return .failure(error)
    }
  }

  /// What both questions have found. A failure counts only where nothing was found.
  private static func union(
    _ a: Result<ResolverCache.Finding, SocketError>,
    _ b: Result<ResolverCache.Finding, SocketError>
  ) throws(SocketError) -> ResolverCache.Finding {
    switch (a, b) {
    case (.success(.records(let a)), .success(.records(let b))): return .records(a + b)
    case (.success(.records(let found)), _), (_, .success(.records(let found))):
      return .records(found)
    case (.failure(let error), _), (_, .failure(let error)): throw error
    case (.success(.noData), .success), (.success, .success(.noData)): return .noData
    case (.success(.noName), .success(.noName)): return .noName
    }
  }

  /// The other words that are followed from one name, over all answers.
  private static let longestChain = 8

  /// Asks about one complete name.
  ///
  /// - Parameter text: the name as it was given, for errors.
  private func lookUp(
    _ name: DomainName, _ type: RecordType, _ text: String, _ time: TimeAllowed
  ) async throws(SocketError) -> ResolverCache.Finding {
    var name = name
    for _ in 0..<Self.longestChain {
      let question = DNSMessage.Question(name, type)
      let now = node.clock.moment
      if let known = cache.withLock({ $0.finding(question, at: now) }) {
        logger.trace("remembered", metadata: question.metadata)
        return known
      }
      let reply = DNSReply(try await ask(question, text, time), to: question)
      switch reply {
      case .found(let finding, let seconds):
        let now = node.clock.moment
        cache.withLock { $0.keep(finding, for: question, seconds: seconds, at: now) }
        return finding
      case .elsewhere(let other): name = other
      }
    }
    throw SocketError(
      .resolve(text), reason: .nameServerFailure("its aliases form too long a chain"))
  }

  /// Asks the servers in turn until one gives an answer.
  private func ask(
    _ question: DNSMessage.Question, _ text: String, _ time: TimeAllowed
  ) async throws(SocketError) -> DNSMessage {
    let servers = configuration.servers
    let first = configuration.rotates ? turn.add(1, ordering: .relaxed).oldValue : 0
    var complaint = "no name server is known"
    for _ in 0..<configuration.attempts {
      for index in servers.indices {
        let server = servers[(first &+ index) & .max % servers.count]
        if time.isOver { throw SocketError(.resolve(text), reason: .deadlineExceeded) }
        do throws(SocketError) {
          return try await DNSExchange(
            node: node, server: server, configuration: configuration,
            time: TimeAllowed(time.left(atMost: configuration.timeout), on: node.clock),
            logger: logger
          ).answer(to: question)
        } catch {
          if error.reason == .cancelled { throw SocketError(.resolve(text), reason: .cancelled) }
          complaint = "\(server): \(error.reason)"
          logger.debug(
            "a name server fails", error: error,
            metadata: question.metadata.merging(["server": "\(server)"]) { $1 })
        }
      }
    }
    if time.isOver { throw SocketError(.resolve(text), reason: .deadlineExceeded) }
    throw SocketError(.resolve(text), reason: .nameServerFailure(complaint))
  }
}

extension DNSMessage.Question {
  /// What a line about it says of it.
  var metadata: Logger.Metadata { ["name": "\(name)", "type": "\(type)"] }
}
