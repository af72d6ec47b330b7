import Addresses
import Packets
import ProtocolStack
import Simulation

/// Sends numbered datagrams at a steady pace: what a wire does to packets is seen in what becomes
/// of them, without a protocol that repairs it.
final class DatagramSource: Application {
  private(set) var sent = 0
  private(set) var failure: String?
  private let destination: SocketAddress
  private let count: Int
  private let size: Int
  private let pause: Interval
  private var socket: SocketHandle?

  var isFinished: Bool { sent == count || failure != nil }

  init(to destination: SocketAddress, count: Int, size: Int = 100, pause: Interval) {
    self.destination = destination
    self.count = count
    self.size = size
    self.pause = pause
  }

  func start(on host: inout Host, at now: Instant) {
    do throws(StackError) {
      let any: IPAddress = destination.address.isIPv4 ? .v4(.any) : .v6(.any)
      let socket = try host.stack.bindUDP(SocketAddress(any, port: .any), at: now)
      self.socket = socket
      host.own(socket)
    } catch {
      failure = "bind: \(error)"
    }
    wake(on: &host, at: now)
  }

  func handle(_ event: Event, on host: inout Host, at now: Instant) {}

  func wake(on host: inout Host, at now: Instant) {
    guard let socket, !isFinished else { return }
    var bytes = [UInt8](repeating: 0x55, count: size)
    for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: sent >> (8 * index)) }
    do throws(StackError) {
      guard try host.stack.sendDatagram(socket, bytes.span, to: destination, at: now) else {
        host.wake(at: now + .microseconds(1))
        return
      }
      sent += 1
    } catch {
      failure = "send: \(error)"
    }
    if isFinished { host.stack.close(socket, at: now) } else { host.wake(at: now + pause) }
  }
}

/// Notes which datagrams came, in what order, and when.
final class DatagramSink: Application {
  private(set) var numbers: [Int] = []
  private(set) var times: [Instant] = []
  private(set) var failure: String?
  let isFinished = true
  private let local: SocketAddress
  private var socket: SocketHandle?

  init(on local: SocketAddress) { self.local = local }

  func start(on host: inout Host, at now: Instant) {
    do throws(StackError) {
      let socket = try host.stack.bindUDP(local, at: now)
      self.socket = socket
      host.own(socket)
    } catch {
      failure = "bind: \(error)"
    }
  }

  func handle(_ event: Event, on host: inout Host, at now: Instant) {
    guard let socket else { return }
    var buffer = host.borrowBuffer()
    defer { host.giveBack(buffer) }
    do throws(StackError) {
      while true {
        var target = buffer.mutableSpan
        guard let datagram = try host.stack.receiveDatagram(socket, into: &target, at: now)
        else { return }
        guard datagram.count >= 8 else { continue }
        var number = 0
        for index in 0..<8 { number |= Int(buffer[index]) << (8 * index) }
        numbers.append(number)
        times.append(now)
      }
    } catch {
      failure = "receive: \(error)"
    }
  }
}
