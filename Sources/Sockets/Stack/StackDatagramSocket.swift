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
      if socket.core.isCurrent {
        switch socket.core.sendNow(socket.handle, bytes, to: remote?.socketAddress) {
        case .done: return
        case .failed(let reason): throw reason
        case .wouldBlock: break
        }
      }
      try await socket.core.send(
        socket.handle, bytes, to: remote?.socketAddress, timeout: timeout)
    } catch {
      throw SocketError(.send, local: local, remote: remote, reason: error)
    }
  }

  func receive(
    into bytes: inout MutableSpan<UInt8>, timeout: Duration?
  ) async throws(SocketError) -> DatagramHeader {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      if socket.core.isCurrent {
        switch socket.core.receiveNow(socket.handle, into: &bytes) {
        case .done(let datagram): return DatagramHeader(datagram)
        case .failed(let reason): throw reason
        case .wouldBlock: break
        }
      }
      return DatagramHeader(
        try await socket.core.receive(socket.handle, into: &bytes, timeout: timeout))
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
