import Sockets

/// The stacks of ours that run in this network namespace, as far as they answer to this user.
package struct RunningStacks: Sendable {
  /// What they say, in the order of their processes.
  package let reports: [StackReport]
  /// Those that do not answer: of another user, mostly.
  package let silent: Int

  package init(_ reports: [StackReport], silent: Int = 0) {
    self.reports = reports
    self.silent = silent
  }

  /// What one may take for all of its answer.
  private static let patience = Duration.seconds(2)

  /// Asks all of them at once: anybody may have such a name, and be silent.
  package static func all() async -> RunningStacks {
    let names = doors(in: KernelText.read("/proc/net/unix") ?? "")
    let node = HostNode(engine: .epoll)
    let reports = await withTaskGroup(of: StackReport?.self) { group in
      for name in names { group.addTask { try? await report(at: name, on: node) } }
      return await group.reduce(into: [StackReport]()) { reports, report in
        if let report { reports.append(report) }
      }
    }
    return RunningStacks(
      reports.sorted { $0.process < $1.process }, silent: names.count - reports.count)
  }

  private static func report(at name: String, on node: HostNode) async throws -> StackReport {
    let deadline = node.clock.now.advanced(by: patience)
    let connection = try await node.connect(to: .abstract(name), timeout: patience)
    let server = try connection.peerCredentials
    var bytes: [UInt8] = []
    while bytes.count <= StackReport.longest {
      let part = try await connection.read(timeout: node.clock.now.duration(to: deadline))
      if part.isEmpty { break }
      bytes += part
    }
    var report = try StackReport(decoding: bytes)
    // The kernel knows better who answers than who answers does.
    report.process = Int(server.process)
    report.user = Int(server.user)
    for index in report.rows.indices {
      report.rows[index].process = report.process
      report.rows[index].user = report.user
    }
    return report
  }

  /// The names of the doors in the text of `/proc/net/unix`, each once: connections that a door has
  /// accepted have its name too.
  package static func doors(in text: String) -> [String] {
    var names: Set<String> = []
    for line in text.split(separator: "\n") {
      guard let name = line.split(separator: " ").last, name.hasPrefix("@" + StackDoor.prefix)
      else { continue }
      names.insert(String(name.dropFirst()))
    }
    return names.sorted()
  }

  /// The sockets of those stacks that have one of `devices`; of all of them, without any.
  ///
  /// - Throws: a ``Complaint`` where there is no such stack, that says which there are.
  package func rows(of devices: [String]) throws(Complaint) -> [TableRow] {
    for device in devices where !reports.contains(where: { $0.isAbout(device) }) {
      throw Complaint("no stack of ours has the device \"\(device)\": \(alternatives(to: device))")
    }
    return reports.filter { report in
      devices.isEmpty || devices.contains { report.isAbout($0) }
    }.flatMap(\.rows)
  }

  private func alternatives(to device: String) -> String {
    let known = reports.flatMap { report in
      report.devices.map { "\($0) (process \(report.process))" }
    }
    let others =
      silent == 0
      ? "" : "; \(silent) answer\(silent == 1 ? "s" : "") only to another user, or to root"
    guard known.isEmpty else {
      return "there \(known.count == 1 ? "is" : "are") \(known.joined(separator: ", "))\(others)"
    }
    let name = device.contains(":") ? device : "tun:\(device)"
    return "none runs here\(others); start one, for example with "
      + "sock serve --network \(name)=10.7.0.2/24 --echo tcp://0.0.0.0:7"
  }
}
