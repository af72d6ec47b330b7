import Addresses
import ProtocolStack

/// A TCP connection of a stack of ours.
final class StackConnection: StreamImplementation {
  private let socket: StackSocket
  private let local: Endpoint
  private let remote: Endpoint

  init(_ socket: StackSocket, local: Endpoint, remote: Endpoint) {
    self.socket = socket
    self.local = local
    self.remote = remote
  }

  /// A public connection around a handle that the stack has just given out.
  static func make(
    _ handle: SocketHandle, _ lease: StackLease
  ) async throws(SocketError.Reason) -> TCPConnection {
    let socket = StackSocket(handle, lease)
    let core = lease.core
    let addresses =
      core.isCurrent ? core.addressesNow(handle) : await core.addresses(handle)
    guard let local = addresses.local, let remote = addresses.remote else {
      socket.close()
      throw .connectionReset
    }
    let connection = StackConnection(
      socket, local: Endpoint(.tcp, local), remote: Endpoint(.tcp, remote))
    return TCPConnection(
      local: connection.local, remote: connection.remote, implementation: connection)
  }

  func readNow(into bytes: inout MutableSpan<UInt8>) throws(SocketError) -> Int? {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      guard socket.core.isCurrent else { return nil }
      return switch socket.core.readNow(socket.handle, into: &bytes) {
      case .done(let count): count
      case .failed(let reason): throw reason
      case .wouldBlock: nil
      }
    } catch {
      throw failure(.read, error)
    }
  }

  func writeNow(_ bytes: Span<UInt8>) throws(SocketError) -> Int {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      guard socket.core.isCurrent else { return 0 }
      return switch socket.core.writeNow(socket.handle, bytes) {
      case .done(let count): count
      case .failed(let reason): throw reason
      case .wouldBlock: 0
      }
    } catch {
      throw failure(.write, error)
    }
  }

  func read(
    into bytes: inout MutableSpan<UInt8>, timeout: Duration?
  ) async throws(SocketError) -> Int {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      let core = socket.core
      let deadline = core.deadline(timeout)
      while core.isCurrent {
        switch core.readNow(socket.handle, into: &bytes) {
        case .done(let count): return count
        case .failed(let reason): throw reason
        case .wouldBlock: try await core.waitForReadingHere(socket.handle, until: deadline)
        }
      }
      return try await core.read(socket.handle, into: &bytes, until: deadline)
    } catch {
      throw failure(.read, error)
    }
  }

  func write(_ bytes: Span<UInt8>, timeout: Duration?) async throws(SocketError) {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      let core = socket.core
      let deadline = core.deadline(timeout)
      var written = 0
      while core.isCurrent {
        switch core.writeNow(socket.handle, bytes.extracting(droppingFirst: written)) {
        case .done(let count): written += count
        case .failed(let reason): throw reason
        case .wouldBlock: break
        }
        if written == bytes.count { return }
        try await core.waitForWritingHere(socket.handle, until: deadline)
      }
      let rest = bytes.extracting(droppingFirst: written)
      try await core.write(socket.handle, rest, until: deadline)
    } catch {
      throw failure(.write, error)
    }
  }

  func shutdownSend() async throws(SocketError) {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      if socket.core.isCurrent {
        if case .failed(let reason) = socket.core.shutdownSendNow(socket.handle) { throw reason }
      } else {
        try await socket.core.shutdownSend(socket.handle)
      }
    } catch {
      throw failure(.shutdown, error)
    }
  }

  func setOptions(_ options: TCPOptions) async throws(SocketError) {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      try await socket.core.setOptions(socket.handle, TCPSocketOptions(options))
    } catch {
      throw failure(.configure, error)
    }
  }

  func info() async throws(SocketError) -> TCPConnection.Info {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      return TCPConnection.Info(try await socket.core.info(socket.handle))
    } catch {
      throw failure(.configure, error)
    }
  }

  func close() { socket.close() }
  func abort() { socket.abort() }

  private func failure(
    _ operation: SocketError.Operation, _ reason: SocketError.Reason
  ) -> SocketError {
    SocketError(operation, local: local, remote: remote, reason: reason)
  }
}
