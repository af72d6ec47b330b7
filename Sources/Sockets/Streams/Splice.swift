import Host

/// The way through the kernel from one of its connections to another: a pipe, which takes and gives
/// references to memory that stays where it is (splice(2)).
///
/// For little it costs more calls than reading and writing, so it is for those who have read much.
/// It holds two descriptors, and ends where little comes, or nothing for a while. A class, because
/// the compiler (6.3.1) does not finish with a debug build where a value that is not copied lives
/// in the loop of an asynchronous function.
final class Splice: Sendable {
  private let source: TCPConnection
  private let destination: TCPConnection
  private let reading: any SplicingStream
  private let writing: any SplicingStream
  private let pipe: HostPipe

  /// Bytes at once that are much.
  static let much = 16_384
  /// How often less may come, one time after the other.
  private static let times = 8
  /// How long nothing may come.
  private static let silence = Duration.seconds(1)

  /// - Returns: nil where one of the two is not the kernel's, or no descriptor is left.
  init?(from source: TCPConnection, to destination: TCPConnection) {
    guard let reading = source.implementation as? any SplicingStream,
      let writing = destination.implementation as? any SplicingStream,
      let pipe = try? HostPipe()
    else { return nil }
    self.source = source
    self.destination = destination
    self.reading = reading
    self.writing = writing
    self.pipe = pipe
  }

  /// Why it is over.
  enum End {
    /// Of the source's stream.
    case stream
    /// Reading and writing costs less, or comes first.
    case little
    /// The kernel does not do it.
    case refusal
  }

  /// Moves bytes for as long as that is worth it.
  ///
  /// - Parameter total: grows by the bytes moved.
  func run(_ total: inout UInt64) async throws(SocketError) -> End {
    var timesLittle = 0
    while timesLittle < Self.times {
      switch try await fill() {
      case .bytes(let count):
        try await drain(count)
        total += UInt64(count)
        timesLittle = count < Self.much ? timesLittle + 1 : 0
      case .end(let end): return end
      }
    }
    return .little
  }

  private enum Filling {
    case bytes(Int)
    case end(End)
  }

  private func fill() async throws(SocketError) -> Filling {
    do throws(SocketError.Reason) {
      var patience = Patience.brief
      while true {
        switch try reading.trySplice(into: pipe) {
        case .done(0): return .end(.stream)
        case .done(let count?): return .bytes(count)
        case .done(nil), .elsewhere: return .end(.little)
        case .wouldBlock:
          let limit = patience == .brief ? nil : Self.silence
          let deadline = reading.deadline(after: limit)
          try await reading.wait(.reading, until: deadline, &patience)
        }
      }
    } catch {
      switch error {
      case .deadlineExceeded: return .end(.little)
      case .unsupported: return .end(.refusal)
      default: throw source.failure(.read, error)
      }
    }
  }

  private func drain(_ count: Int) async throws(SocketError) {
    do throws(SocketError.Reason) {
      var patience = Patience.brief
      var moved = 0
      while moved < count {
        switch try writing.trySplice(count - moved, from: pipe) {
        case .done(let part): moved += part
        case .wouldBlock, .elsewhere:
          try await writing.wait(.writing, until: nil, &patience)
        }
      }
    } catch {
      throw destination.failure(.write, error)
    }
  }
}
