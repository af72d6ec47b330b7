public import Addresses
public import Packets
public import ProtocolStack

/// Listens, accepts, and starts a program for each connection. Ends after so many of them.
public final class Server: Application {
  public private(set) var accepted = 0
  public private(set) var failure: String?
  /// Nobody has to come.
  public let isOptional: Bool
  private let address: SocketAddress
  private let backlog: Int
  private let connections: Int
  private let makeProgram: (SocketHandle, SocketAddress, Int) -> any Application
  private var options = TCPSocketOptions()
  private var listener: SocketHandle?

  public var isFinished: Bool { accepted >= connections || failure != nil || isOptional }

  /// - Parameters:
  ///   - connections: how many to accept before the listener is closed.
  ///   - program: makes the program of a connection, given its socket, who called, and its place
  ///     in the order of acceptance.
  public init(
    on address: SocketAddress, connections: Int = 1, backlog: Int = 1_024,
    options: TCPSocketOptions = TCPSocketOptions(), isOptional: Bool = false,
    program: @escaping (SocketHandle, SocketAddress, Int) -> any Application
  ) {
    self.address = address
    self.connections = connections
    self.isOptional = isOptional
    self.backlog = backlog
    self.options = options
    makeProgram = program
  }

  public func start(on host: inout Host, at now: Instant) {
    do throws(StackError) {
      let listener = try host.stack.listenTCP(
        on: address, backlog: backlog, options: options, at: now)
      self.listener = listener
      host.own(listener)
    } catch {
      failure = "listen on \(address): \(error)"
    }
  }

  public func handle(_ event: Event, on host: inout Host, at now: Instant) {
    guard let listener, case .acceptable = event else { return }
    do throws(StackError) {
      while accepted < connections {
        guard let socket = try host.stack.acceptTCP(listener, at: now) else { return }
        let number = accepted
        accepted += 1
        let caller = host.stack.remoteAddress(socket) ?? address
        host.launch(makeProgram(socket, caller, number), owning: socket, at: now)
      }
    } catch {
      failure = "accept on \(address): \(error)"
    }
    stop(on: &host, at: now)
  }

  /// Listens no more; from outside, where nobody came.
  public func stop(on host: inout Host, at now: Instant) {
    guard let listener else { return }
    host.disown(listener)
    host.stack.close(listener, at: now)
    self.listener = nil
  }
}
