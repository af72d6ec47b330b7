import Glibc
import Sockets
import Testing

extension Conformance {
  @Suite("Local sockets", .timeLimit(.minutes(2)))
  struct LocalTests {
    /// Names that no other case has: the kernel's are the machine's.
    enum Naming: String, CaseIterable, CustomTestStringConvertible {
      case path, abstract

      var testDescription: String { rawValue }

      var address: LocalAddress {
        let number = UInt64.random(in: 0 ... .max)
        return self == .path ? .path("/tmp/conform-\(number)") : .abstract("conform/\(number)")
      }
    }

    static let kinds = LocalConnection.Kind.allCases

    @Test("carry what was written, both ways, and each end", arguments: World.all, kinds)
    func exchange(world: World, kind: LocalConnection.Kind) async throws {
      try await world.run { network in
        for naming in Naming.allCases {
          let address = naming.address
          let listener = try network.server.listen(on: address, as: kind)
          #expect(listener.local == address)
          #expect(listener.kind == kind)
          let client = try await network.server.connect(to: address, as: kind, timeout: patience)
          // It is connected before anybody accepts, and may write.
          try await client.write([1, 2, 3], timeout: patience)
          let server = try await listener.accept(timeout: patience)
          #expect(client.local == .unnamed)
          #expect(client.remote == address)
          #expect(server.local == address)
          #expect(server.remote == .unnamed)
          #expect(try await server.read(timeout: patience) == [1, 2, 3])
          try await server.write([4], timeout: patience)
          #expect(try await client.read(timeout: patience) == [4])
          try client.shutdownSend()
          #expect(try await server.read(timeout: patience) == [])
          #expect(try await server.read(timeout: patience) == [])
          #expect(await reason { try await client.write([9]) } == .brokenPipe)
          try await server.write([5], timeout: patience)
          #expect(try await client.read(timeout: patience) == [5])
        }
      }
    }

    @Test("keep messages whole, and streams in one piece", arguments: World.all)
    func bounds(world: World) async throws {
      try await world.run { network in
        let (a, b) = try network.server.connectPair(as: .packets)
        for part: [UInt8] in [[1, 2, 3], [], [4]] { try await a.write(part, timeout: patience) }
        var bytes: [UInt8] = [0, 0]
        var span = bytes.mutableSpan
        let message = try await b.receive(into: &span, timeout: patience)
        #expect(message.count == 2)
        #expect(message.isTruncated)
        #expect(bytes == [1, 2])
        #expect(try await b.read(timeout: patience) == [])
        #expect(try await b.read(timeout: patience) == [4])
        let (c, d) = try network.server.connectPair(as: .stream)
        for part: [UInt8] in [[1, 2, 3], [], [4]] { try await c.write(part, timeout: patience) }
        #expect(try await d.read(upTo: 2, timeout: patience) == [1, 2])
        #expect(try await d.read(timeout: patience) == [3, 4])
      }
    }

    @Test("hold back who writes more than there is room for", arguments: World.all, kinds)
    func backPressure(world: World, kind: LocalConnection.Kind) async throws {
      try await world.run { network in
        let (a, b) = try network.server.connectPair(as: kind)
        let bytes = noise(3_000_000)
        let part = kind == .stream ? bytes.count : 50_000
        let writing = network.start {
          for start in stride(from: 0, to: bytes.count, by: part) {
            try await a.write(bytes.span.extracting(start..<start + part), timeout: patience)
          }
          try a.shutdownSend()
        }
        var received: [UInt8] = []
        while true {
          let next = try await b.read(timeout: patience)
          if next.isEmpty { break }
          received += next
        }
        try await writing.value
        #expect(received == bytes)
        // Nobody reads: what fits is bounded.
        var taken = 0
        let (c, _d) = try network.server.connectPair(as: kind)
        let refusal = await reason {
          while taken < 8 << 20 {
            try await c.write(noise(50_000), timeout: .milliseconds(20))
            taken += 50_000
          }
        }
        #expect(refusal == .deadlineExceeded)
        #expect(taken >= 100_000)
        _d.close()
      }
    }

    @Test("are reset by who closes with something unread", arguments: World.all, kinds)
    func reset(world: World, kind: LocalConnection.Kind) async throws {
      try await world.run { network in
        let (a, b) = try network.server.connectPair(as: kind)
        try await a.write([1], timeout: patience)
        try await b.write([2], timeout: patience)
        b.close()
        // A stream's bytes come before the failure, messages after it.
        if kind == .stream { #expect(try await a.read(timeout: patience) == [2]) }
        #expect(await reason { try await a.read(timeout: patience) } == .connectionReset)
        if kind == .packets { #expect(try await a.read(timeout: patience) == [2]) }
        #expect(try await a.read(timeout: patience) == [])
        #expect(await reason { try await a.write([3]) } == .brokenPipe)
        #expect(await reason { try await b.read(timeout: patience) } == .closed)
      }
    }

    @Test("end by a close after everything was read", arguments: World.all, kinds)
    func close(world: World, kind: LocalConnection.Kind) async throws {
      try await world.run { network in
        let (a, b) = try network.server.connectPair(as: kind)
        let waiting = network.start { try await a.read(timeout: patience) }
        b.close()
        b.close()
        #expect(try await waiting.value == [])
        #expect(await reason { try await a.write([3]) } == .brokenPipe)
      }
    }

    @Test("wait in a backlog of a bounded length", arguments: World.all, kinds)
    func backlog(world: World, kind: LocalConnection.Kind) async throws {
      try await world.run { network in
        let node = network.server
        let address = Naming.abstract.address
        let listener = try node.listen(on: address, as: kind, backlog: 1)
        let first = try await node.connect(to: address, as: kind, timeout: patience)
        let second = try await node.connect(to: address, as: kind, timeout: patience)
        #expect(
          await reason {
            try await node.connect(to: address, as: kind, timeout: .milliseconds(20))
          } == .deadlineExceeded)
        let cancelled = network.startReason {
          try await node.connect(to: address, as: kind, timeout: patience)
        }
        cancelled.cancel()
        #expect(await cancelled.value == .cancelled)
        let third = network.start {
          try await node.connect(to: address, as: kind, timeout: patience)
        }
        for client in [first, second] {
          try await client.write([7], timeout: patience)
          let server = try await listener.accept(timeout: patience)
          #expect(try await server.read(timeout: patience) == [7])
        }
        let late = try await third.value
        try await late.write([8], timeout: patience)
        let server = try await listener.accept(timeout: patience)
        #expect(try await server.read(timeout: patience) == [8])
      }
    }

    @Test("are reset or refused when the listener goes", arguments: World.all, kinds)
    func listenerGone(world: World, kind: LocalConnection.Kind) async throws {
      try await world.run { network in
        let node = network.server
        for naming in Naming.allCases {
          let address = naming.address
          let listener = try node.listen(on: address, as: kind, backlog: 0)
          let waiting = try await node.connect(to: address, as: kind, timeout: patience)
          let outside = network.startReason {
            try await node.connect(to: address, as: kind, timeout: patience)
          }
          let accepting = try node.listen(on: Naming.abstract.address, as: kind)
          let acceptor = network.startReason { try await accepting.accept(timeout: patience) }
          listener.close()
          accepting.close()
          #expect(await acceptor.value == .closed)
          #expect(await reason { try await waiting.read(timeout: patience) } == .connectionReset)
          #expect(try await waiting.read(timeout: patience) == [])
          #expect(await outside.value == absence(of: naming))
          #expect(
            await reason { try await node.connect(to: address, as: kind) } == absence(of: naming))
          // The name is free.
          _ = try node.listen(on: address, as: kind)
        }
      }
    }

    private func absence(of naming: Naming) -> SocketError.Reason {
      naming == .path
        ? .system(errno: ENOENT, "No such file or directory") : .connectionRefused
    }

    @Test("refuse names that are taken, of another kind, or none", arguments: World.all)
    func names(world: World) async throws {
      try await world.run { network in
        let node = network.server
        for naming in Naming.allCases {
          let address = naming.address
          let listener = try node.listen(on: address)
          let taken = await failure { try node.listen(on: address) }
          #expect(taken?.reason == .addressInUse)
          #expect(taken?.description == "listen on \(address): address already in use")
          let other = await reason { try await node.connect(to: address, as: .packets) }
          switch naming {
          case .path:
            #expect(other == .system(errno: EPROTOTYPE, "Protocol wrong type for socket"))
            #expect(await reason { try node.bind(address) } == .addressInUse)
          case .abstract:
            // Each kind has abstract names of its own.
            #expect(other == .connectionRefused)
            _ = try node.bind(address)
          }
          listener.close()
        }
        let long = LocalAddress.path("/" + String(repeating: "a", count: 107))
        for attempt in [
          await reason { try node.listen(on: long) }, await reason { try node.bind(long) },
          await reason { try await node.connect(to: long) },
        ] {
          #expect(attempt?.isBadEndpoint == true)
        }
        // A name that the node chooses, another for each.
        let chosen = [try node.listen(on: .unnamed), try node.listen(on: .unnamed)]
        #expect(chosen[0].local != chosen[1].local)
        for listener in chosen {
          guard case .abstract(let name) = listener.local else {
            Issue.record("\(listener.local) is no abstract name")
            continue
          }
          #expect(name.count == 5)
          _ = try await node.connect(to: listener.local, timeout: patience)
        }
      }
    }

    @Test("end waits when they are closed or cancelled, or time is over", arguments: World.all)
    func waits(world: World) async throws {
      try await world.run { network in
        let (a, b) = try network.server.connectPair(as: .stream)
        let closed = network.startReason { try await a.read(timeout: patience) }
        let cancelled = network.startReason { try await b.read(timeout: patience) }
        #expect(
          await reason { try await b.read(timeout: .milliseconds(20)) } == .deadlineExceeded)
        cancelled.cancel()
        #expect(await cancelled.value == .cancelled)
        a.close()
        #expect(await closed.value == .closed)
        #expect(await reason { try await a.write([1]) } == .closed)
      }
    }
  }
}
