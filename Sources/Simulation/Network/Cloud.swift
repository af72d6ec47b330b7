import Addresses
import Packets
import ProtocolStack
import Sockets
import Synchronization

/// The network between the hosts of a ``SimulatedNetwork``: a pipe from each to each other, and
/// knowledge of who has which address.
final class Cloud: VirtualFabric {
  /// A host's place in the network.
  struct Place {
    let number: Int
    let incoming: Sockets.Wire
    let outgoing: Sockets.Wire
    let secrets: Secrets
  }

  struct State: ~Copyable {
    var places: [Place] = []
    var addresses: [IPAddress: Int] = [:]
    /// By sender, then receiver.
    var pipes: [[Pipe]] = []
    var conditions: WireConditions
    var random: RandomSource
    /// When packets arrive: where, and their place in `flight`.
    var arrivals = EventQueue()
    var flight: [[UInt8]] = []
    var freePlaces: [UInt32] = []
    /// What a host has no room for just now, in its order.
    var waiting: [[[UInt8]]] = []
    var trace = TraceHash()
    /// The memory that collected packets pass through.
    var collected: Packet
  }

  private let state: Mutex<State>
  /// Bytes of memory of each packet, headroom included.
  private let packetCapacity: Int

  /// Packets that a wire holds for a host that has not taken a turn yet.
  private static let depth = 256

  init(_ random: RandomSource, _ conditions: WireConditions, packetCapacity: Int) {
    self.packetCapacity = packetCapacity
    state = Mutex(
      State(
        conditions: conditions, random: random, collected: Packet(capacity: packetCapacity)))
  }

  var trace: TraceHash { state.withLock { $0.trace } }

  // MARK: Hosts

  func addPlace() -> Place {
    state.withLock { state in
      let number = state.places.count
      var luck = state.random.branch(0x686F_7374 &+ UInt64(number) &<< 32)
      let place = Place(
        number: number,
        incoming: Sockets.Wire(depth: Self.depth, packetCapacity: packetCapacity),
        outgoing: Sockets.Wire(depth: Self.depth, packetCapacity: packetCapacity),
        secrets: Secrets(luck.next(), luck.next()))
      state.places.append(place)
      state.waiting.append([])
      for sender in state.pipes.indices { state.pipes[sender].append(state.pipe(sender, number)) }
      state.pipes.append((0...number).map { state.pipe(number, $0) })
      return place
    }
  }

  func setAddresses(_ addresses: [IPAddress], of number: Int) {
    state.withLock { state in
      for address in addresses { state.addresses[address] = number }
    }
  }

  // MARK: Conditions

  func conditions(from sender: Int, to receiver: Int) -> WireConditions {
    state.withLock { state in
      state.hasPipe(sender, receiver)
        ? state.pipes[sender][receiver].conditions : state.conditions
    }
  }

  func setConditions(_ conditions: WireConditions, from sender: Int, to receiver: Int) {
    state.withLock { state in
      guard state.hasPipe(sender, receiver) else { return }
      state.pipes[sender][receiver].conditions = conditions
    }
  }

  func setConditions(_ conditions: WireConditions) {
    state.withLock { state in
      state.conditions = conditions
      for sender in state.pipes.indices {
        for receiver in state.pipes[sender].indices {
          state.pipes[sender][receiver].conditions = conditions
        }
      }
    }
  }

  func counters(from sender: Int, to receiver: Int) -> WireCounters {
    state.withLock { state in
      state.hasPipe(sender, receiver) ? state.pipes[sender][receiver].counters : WireCounters()
    }
  }

  // MARK: Packets

  var nextArrival: Instant? {
    state.withLock { state in
      state.waiting.contains { !$0.isEmpty } ? .zero : state.arrivals.nextInstant
    }
  }

  func deliver(at now: Instant) {
    state.withLock { state in
      while let next = state.arrivals.nextInstant, next <= now,
        let arrival = state.arrivals.removeFirst()
      {
        let receiver = Int(arrival.happening.subject)
        state.waiting[receiver].append(state.land(arrival.happening.detail))
      }
      for receiver in state.places.indices { state.handOver(to: receiver) }
    }
  }

  func collect(at now: Instant) -> Int {
    state.withLock { state in
      var count = 0
      for sender in state.places.indices {
        while state.places[sender].outgoing.receive(into: &state.collected) {
          state.launchCollected(from: sender, at: now)
          count += 1
        }
      }
      return count
    }
  }
}

extension Cloud.State {
  func hasPipe(_ sender: Int, _ receiver: Int) -> Bool {
    pipes.indices.contains(sender) && pipes[sender].indices.contains(receiver)
  }

  func pipe(_ sender: Int, _ receiver: Int) -> Pipe {
    let label = UInt64(sender) &<< 32 | UInt64(receiver)
    return Pipe(conditions, random: random.branch(label &+ 0x7069_7065 &<< 16))
  }

  /// Gives a host what it has room for.
  mutating func handOver(to receiver: Int) {
    guard !waiting[receiver].isEmpty else { return }
    var handed = 0
    for bytes in waiting[receiver] {
      var packet = Packet(capacity: Packet.defaultHeadroom + bytes.count)
      guard packet.append(bytes.span), places[receiver].incoming.transmit(packet) else { break }
      handed += 1
    }
    waiting[receiver].removeFirst(handed)
  }

  /// Sends a packet that was collected.
  mutating func launchCollected(from sender: Int, at now: Instant) {
    var bytes = [UInt8](repeating: 0, count: collected.count)
    var span = bytes.mutableSpan
    collected.bytes.copy(into: &span)
    launch(bytes, from: sender, at: now)
  }

  /// Sends a packet to whom it is for: to everybody else where that is a group, to nobody where
  /// nobody has the address.
  private mutating func launch(_ bytes: [UInt8], from sender: Int, at now: Instant) {
    trace.add(bytes.span, pipe: sender, at: now)
    guard let destination = Self.destination(bytes.span) else { return }
    if isForEverybody(destination) {
      for receiver in places.indices where receiver != sender {
        launch(bytes, from: sender, to: receiver, at: now)
      }
    } else if let receiver = addresses[destination] {
      launch(bytes, from: sender, to: receiver, at: now)
    }
  }

  private mutating func launch(
    _ bytes: [UInt8], from sender: Int, to receiver: Int, at now: Instant
  ) {
    let verdict = pipes[sender][receiver].send(bytes.count, linkHeader: 0, at: now)
    for journey in [verdict.first, verdict.second] {
      guard let journey else { continue }
      var copy = bytes
      if let bit = journey.flippedBit, bit / 8 < copy.count { copy[bit / 8] ^= 1 << UInt8(bit % 8) }
      pipes[sender][receiver].countDelivery(copy.count)
      let place = takeOff(copy)
      arrivals.add(
        Happening(
          kind: .arrival, subject: UInt32(truncatingIfNeeded: receiver), detail: place),
        at: journey.arrival)
    }
  }

  private mutating func takeOff(_ bytes: [UInt8]) -> UInt32 {
    if let place = freePlaces.popLast() {
      flight[Int(place)] = bytes
      return place
    }
    flight.append(bytes)
    return UInt32(truncatingIfNeeded: flight.count - 1)
  }

  mutating func land(_ place: UInt32) -> [UInt8] {
    defer {
      flight[Int(place)] = []
      freePlaces.append(place)
    }
    return flight[Int(place)]
  }

  /// Whom a packet is for.
  private static func destination(_ bytes: Span<UInt8>) -> IPAddress? {
    switch bytes.count > 0 ? bytes.uint8(at: 0) >> 4 : 0 {
    case 4 where bytes.count >= 20: .v4(IPv4Address(rawValue: bytes.uint32(at: 16)))
    case 6 where bytes.count >= 40:
      .v6(IPv6Address(high: bytes.uint64(at: 24), low: bytes.uint64(at: 32)))
    default: nil
    }
  }

  private func isForEverybody(_ address: IPAddress) -> Bool {
    switch address {
    case .v4(let address):
      address.isMulticast || address == .broadcast || address == IPv4Address(10, 0, 0, 255)
    case .v6(let address): address.isMulticast
    }
  }
}
