extension Law {
  static let all: [Law] = [
    imports, unsafety, trapsInTheCore, forcedCasts, forcedUnwraps, trappingArithmetic, outsideWorld,
    testability, sleeping, markers, lineLength, fileLength, essays,
  ]

  /// The modules that see bytes from the wire or state made of them.
  private static let core: Set<String> = ["Addresses", "Packets", "ProtocolStack"]

  /// Modules by name, each with all it may import. What stands nowhere in a row is behind a wall.
  private static let walls: [String: Set<String>] = [
    "Addresses": [],
    "Packets": ["Addresses"],
    "ProtocolStack": [
      "Addresses", "Packets", "BasicContainers", "DequeModule", "HeapModule",
    ],
    "Host": [
      "Addresses", "Packets", "CLinux", "SystemPackage", "Glibc", "Musl", "Synchronization",
    ],
    "Sockets": [
      "Addresses", "Packets", "ProtocolStack", "Host", "SystemPackage", "Synchronization",
      "BasicContainers", "DequeModule", "HeapModule", "Logging",
    ],
    "SocketsMetrics": ["ProtocolStack", "Sockets", "CoreMetrics"],
    "Simulation": [
      "Addresses", "Packets", "ProtocolStack", "Sockets", "Synchronization", "BasicContainers",
      "DequeModule", "HeapModule",
    ],
    "Supervisor": [
      "Addresses", "Host", "Sockets", "Simulation", "CLinux", "SystemPackage", "Synchronization",
    ],
    "Berkeley": [
      "Addresses", "Packets", "ProtocolStack", "Host", "Sockets", "CBerkeley", "SystemPackage",
      "Synchronization",
    ],
    "sock": [
      "Addresses", "Packets", "ProtocolStack", "Host", "Sockets", "Simulation", "Supervisor",
      "SystemPackage", "Synchronization", "ArgumentParser", "Logging", "Foundation",
    ],
  ]

  private static let imports = Law(
    name: "imports point only downward",
    why: "A module knows those below it and nothing else; a new module needs a row in the table."
  ) { file in
    guard let module = file.module else { return [] }
    return file.faultsInCode({ line in
      let words = line.words
      guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count,
        words[..<keyword].allSatisfy({ importModifiers.contains(String($0)) })
      else { return nil }
      let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let"]
      let imported = words[(keyword + 1)...].first { !kinds.contains($0) } ?? ""
      guard let allowed = walls[module] else { return "\(module) has no row among the walls" }
      return allowed.contains(String(imported)) ? nil : "\(module) imports \(imported)"
    })
  }

  private static let importModifiers: Set<String> = [
    "public", "package", "internal", "fileprivate", "private", "_exported", "preconcurrency",
    "testable", "_implementationOnly", "unsafe",
  ]

  private static let unsafety = Law(
    name: "unsafe code is confined",
    why: "Memory safety is audited in a few files; a new one needs an exception and its reason.",
    exceptions: [
      "Sources/Packets/Bytes.swift": "loads and stores behind their own bounds checks",
      "Sources/ProtocolStack/Storage/": "elements in place, behind checked slots and masks",
      "Sources/Host/Syscalls.swift": "the system calls",
      "Sources/Host/Errno+Calls.swift": "buffers for the time of a system call",
      "Sources/Host/KernelSocket.swift": "the system calls on sockets",
      "Sources/Host/KernelSocket+Datagrams.swift": "the system calls on datagrams",
      "Sources/Host/KernelSocket+Raw.swift": "the system calls on raw and packet sockets",
      "Sources/Host/KernelSocket+Options.swift": "the system calls on options",
      "Sources/Host/HostNameLookup.swift": "the C library's resolver",
      "Sources/Host/LocalSocket.swift": "the system calls on local sockets",
      "Sources/Host/CompletionRing.swift": "the kernel's rings, and buffers it fills",
      "Sources/Host/Gate.swift": "the word the kernel looks at while a thread sleeps",
      "Sources/Berkeley/Exports/": "pointers from C",
      "Sources/Berkeley/Transfer.swift": "the callers' buffers, for as long as a call lasts",
      "Sources/Sockets/Kernel/KernelCore.swift": "state outside isolation, thread checked",
      "Sources/Sockets/Kernel/RingEngine.swift": "state outside isolation, thread checked",
      "Sources/Sockets/Stack/StackCore.swift": "state outside isolation, thread checked",
      "Sources/Sockets/Streams/HandlerIdentity.swift": "a task's address, never followed",
      "Sources/Sockets/World/WaitQueue.swift": "continuations that do not allocate",
      "Sources/Sockets/Reactor/Reactor.swift": "the runtime takes executors unowned",
      "Sources/Sockets/Reactor/ReactorLoop.swift": "the runtime takes executors unowned",
    ]
  ) { file in
    guard file.module != nil else { return [] }
    return file.faultsInCode({ line in
      if line.words.contains("unsafe") { return "unsafe" }
      return ["@unchecked", "@safe"].first(where: line.contains)
    })
  }

  private static let trapsInTheCore = Law(
    name: "nothing in the core stops the process",
    why: "A broken invariant costs one connection, never the program; answer with an error."
  ) { file in
    guard let module = file.module, core.contains(module) else { return [] }
    let traps: Set<Substring> = [
      "fatalError", "precondition", "preconditionFailure", "assertionFailure", "exit", "unowned",
    ]
    return file.faultsInCode({ line in line.isCall(of: traps) })
  }

  private static let forcedCasts = Law(
    name: "no try! and no as!",
    why: "Handle the error, or show the compiler that there is none."
  ) { file in
    file.faultsInCode({ line in ["try!", "as!"].first(where: line.contains) })
  }

  private static let forcedUnwraps = Law(
    name: "no forced unwraps below Sockets",
    why: "Bind the value with guard or if."
  ) { file in
    guard let module = file.module, core.union(["Host"]).contains(module) else { return [] }
    return file.faultsInCode({ line in
      let characters = Array(line)
      for index in characters.indices.dropFirst() where characters[index] == "!" {
        let before = characters[index - 1]
        let after = index + 1 < characters.count ? characters[index + 1] : " "
        let endsValue = before.isLetter || before.isNumber || "_)]}>\"`".contains(before)
        if endsValue, after != "=" { return "a forced unwrap" }
      }
      return nil
    })
  }

  private static let trappingArithmetic = Law(
    name: "arithmetic in Packets never traps",
    why: "Numbers there come from the wire: use &+ &- &* or say what happens on overflow.",
    exceptions: [
      "Sources/Packets/Instant.swift": "the saturating operators themselves",
      "Sources/Packets/Bytes.swift": "steps of pointers inside checked bounds",
      "Sources/Packets/PacketSummary.swift": "joins texts",
      "Sources/Packets/PacketSummary+Transport.swift": "joins texts",
    ]
  ) { file in
    guard file.module == "Packets" else { return [] }
    return file.faultsInCode({ line in
      // Texts are joined with the same signs.
      let signs = line.contains("\"") ? [] : [" + ", " += "]
      return (signs + [" - ", " * ", " -= ", " *= "]).first(where: line.contains)
    })
  }

  private static let outsideWorld = Law(
    name: "time, chance, threads and tasks come from outside the core",
    why: "The same inputs give the same outputs: pass the instant or the number in."
  ) { file in
    guard let module = file.module, core.union(["Simulation"]).contains(module) else { return [] }
    let clocks: Set<Substring> = [
      "ContinuousClock", "SuspendingClock", "Date", "clock_gettime", "gettimeofday",
      "SystemRandomNumberGenerator", "randomElement", "shuffled", "shuffle", "getrandom",
      "arc4random", "ProcessInfo", "CommandLine",
    ]
    let concurrency: Set<Substring> = ["async", "await", "Task", "Mutex", "actor", "print"]
    return file.faultsInCode({ line in
      let words = line.words
      if let word = words.first(where: clocks.contains) { return String(word) }
      if line.contains(".random(in:"), !line.contains("using:") { return ".random(in:)" }
      guard core.contains(module) else { return nil }
      return words.first(where: concurrency.contains).map(String.init)
    })
  }

  private static let testability = Law(
    name: "tests see what users see",
    why: "Without @testable the tests also run against the release build."
  ) { file in
    file.faultsInCode({ line in line.contains("@testable") ? "@testable" : nil })
  }

  private static let sleeping = Law(
    name: "tests wait for events, not for time",
    why: "A test that sleeps is slow on a fast machine and wrong on a slow one.",
    exceptions: [
      "Tests/SocketsTests/ArticleCode+Cancellation.swift": "a deadline, as readers are to write it",
      "Tests/SocketsTests/ArticleCode+Errors.swift": "pauses between attempts, for readers too",
      "Tests/SimulationTests/ArticleCode+Worlds.swift": "sleeps by a virtual clock, in no time",
      "Tests/SimulationTests/SimulatedNetworkTests.swift": "sleeps by a virtual clock, in no time",
    ]
  ) { file in
    guard file.path.hasPrefix("Tests/") else { return [] }
    return file.faultsInCode({ line in
      line.words.first { ["sleep", "usleep", "nanosleep"].contains($0) }.map(String.init)
    })
  }

  private static let markers = Law(
    name: "nothing is left for later",
    why: "Do it, or open an issue."
  ) { file in
    file.faultsInComments({ comment in
      comment.words.first { ["TODO", "FIXME", "XXX", "HACK"].contains($0) }.map(String.init)
    })
  }

  private static let lineLength = Law(
    name: "lines have at most 100 columns",
    why: "swift format does not break comments and strings; do it by hand."
  ) { file in
    file.faultsInLines({ line in
      // Links to symbols and addresses of pages cannot be broken.
      let longestWord = line.split(separator: " ").map(\.count).max() ?? 0
      return line.count > 100 && longestWord < 60 ? "\(line.count) columns" : nil
    })
  }

  private static let fileLength = Law(
    name: "files have at most 450 lines",
    why: "A file is one idea; cut it along its seams."
  ) { file in
    let count = file.text.lines.count - 1
    return count > 450 ? [Fault(path: file.path, line: 451, what: "\(count) lines")] : []
  }

  private static let essays = Law(
    name: "a source opens by saying what it is",
    why: "Before the first declaration, or as the first thing in an extension, stands a comment."
  ) { file in
    guard file.module != nil else { return [] }
    for (index, line) in file.text.lines.enumerated() {
      let words = line.words
      let isPrelude =
        line.allSatisfy(\.isWhitespace) || line.hasPrefix("#") || words.contains("import")
        || words.contains("extension") && !line.hasPrefix("/")
      if isPrelude { continue }
      let opensWithComment = line.drop(while: \.isWhitespace).hasPrefix("/")
      return opensWithComment
        ? [] : [Fault(path: file.path, line: index + 1, what: "no opening comment")]
    }
    return []
  }
}

extension String {
  /// The first of `names` that is called in this line, or used as a modifier.
  fileprivate func isCall(of names: Set<Substring>) -> String? {
    words.first { word in
      names.contains(word) && (contains(word + "(") || word.hasPrefix("unowned"))
    }.map(String.init)
  }
}
