import Foundation
package import Logging
package import Sockets

/// Where a process with a stack of ours can be asked for its table: a local socket with an abstract
/// name, `unix:@swift-sockets/USER/PROCESS`, which goes with the process and is of one network
/// namespace, as the devices are.
package struct StackDoor: Sendable {
  /// What every door's name begins with.
  package static let prefix = "swift-sockets/"
  /// What one who asks gets to take the answer.
  private static let patience = Duration.seconds(2)

  private let listener: LocalListener
  private let task: Task<Void, Never>

  /// Opens the door for as long as this value is held.
  ///
  /// - Parameters:
  ///   - devices: as `--network` names them.
  ///   - number: of several of one process.
  package static func open(
    to node: StackNode, devices: [String], number: Int = 0, logger: Logger
  ) -> StackDoor? {
    let user = Int(geteuid())
    let process = Int(getpid())
    let host = HostNode(engine: .epoll)
    let address = LocalAddress.abstract("\(prefix)\(user)/\(process)/\(number)")
    do {
      let listener = try host.listen(on: address, as: .stream, backlog: 8)
      let task = Task {
        while let connection = try? await listener.accept() {
          await answer(connection, node, devices: devices, process: process, user: user, logger)
        }
      }
      return StackDoor(listener: listener, task: task)
    } catch {
      logger.warning("sock table cannot ask for these sockets", error: error)
      return nil
    }
  }

  private static func answer(
    _ connection: LocalConnection, _ node: StackNode, devices: [String], process: Int, user: Int,
    _ logger: Logger
  ) async {
    do {
      let asker = try connection.peerCredentials
      // The name is everybody's to call.
      guard asker.user == 0 || Int(asker.user) == user else {
        logger.notice("sock table of another user refused", metadata: ["user": "\(asker.user)"])
        return
      }
      let stack = devices.first?.split(separator: ":").last.map(String.init) ?? "?"
      let rows = await node.sockets().map {
        TableRow($0, stack: stack, process: process, user: user)
      }
      let report = StackReport(devices: devices, process: process, user: user, rows: rows)
      try await connection.write(report.encoded(), timeout: patience)
    } catch {
      logger.debug("sock table not answered", error: error)
    }
  }

  /// Nobody is answered any more.
  package func close() {
    listener.close()
    task.cancel()
  }
}
