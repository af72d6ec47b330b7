import Addresses
import ProtocolStack

/// A UDP socket of a stack of ours.
final class StackDatagramSocket: DatagramImplementation {
  private let socket: StackSocket
  private let local: Endpoint

  init(_ socket: StackSocket, local: Endpoint) {
    self.socket = socket
    self.local = local
  }

  func connect(to remote: Endpoint) async throws(SocketError) {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      try await socket.core.connectDatagrams(socket.handle, to: remote.socketAddress)
    } catch {
      throw SocketError(.connect, local: local, remote: remote, reason: error)
    }
  }

  func send(
    _ bytes: Span<UInt8>, to remote: Endpoint?, timeout: Duration?
  ) async throws(SocketError) {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      let core = socket.core
      let deadline = core.deadline(timeout)
      while core.isCurrent {
        switch core.sendNow(socket.handle, bytes, to: remote?.socketAddress) {
        case .done: return
        case .failed(let reason): throw reason
        case .wouldBlock: try await core.waitForWritingHere(socket.handle, until: deadline)
        }
      }
      try await core.send(socket.handle, bytes, to: remote?.socketAddress, until: deadline)
    } catch {
      throw SocketError(.send, local: local, remote: remote, reason: error)
    }
  }

  func receive(
    into bytes: inout MutableSpan<UInt8>, timeout: Duration?
  ) async throws(SocketError) -> DatagramHeader {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      let core = socket.core
      let deadline = core.deadline(timeout)
      while core.isCurrent {
        switch core.receiveNow(socket.handle, into: &bytes) {
        case .done(let datagram): return DatagramHeader(datagram)
        case .failed(let reason): throw reason
        case .wouldBlock: try await core.waitForReadingHere(socket.handle, until: deadline)
        }
      }
      return DatagramHeader(
        try await core.receive(socket.handle, into: &bytes, until: deadline))
    } catch {
      throw SocketError(.receive, local: local, reason: error)
    }
  }

  func close() { socket.close() }
}

extension DatagramHeader {
  init(_ datagram: Datagram) {
    self.init(
      count: datagram.count, isTruncated: datagram.truncated,
      source: Endpoint(.udp, datagram.source), destination: Endpoint(.udp, datagram.destination))
  }
}
