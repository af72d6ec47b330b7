// swift-tools-version: 6.3
import PackageDescription

/// What every Swift target of this package obeys.
let laws: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
  .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
  name: "swift-sockets",
  products: [
    .library(name: "Addresses", targets: ["Addresses"]),
    .library(name: "Packets", targets: ["Packets"]),
    .library(name: "ProtocolStack", targets: ["ProtocolStack"]),
    .library(name: "Host", targets: ["Host"]),
    .library(name: "Sockets", targets: ["Sockets"]),
    .library(name: "SocketsMetrics", targets: ["SocketsMetrics"]),
    .library(name: "Simulation", targets: ["Simulation"]),
    .library(name: "Berkeley", targets: ["Berkeley"]),
    .library(name: "sockets", type: .dynamic, targets: ["libsockets"]),
    .executable(name: "sock", targets: ["sock"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    .target(name: "Addresses", swiftSettings: laws),
    .target(name: "Packets", dependencies: ["Addresses"], swiftSettings: laws),
    .target(
      name: "ProtocolStack",
      dependencies: ["Addresses", "Packets"],
      swiftSettings: laws),
    .target(
      name: "Sockets",
      dependencies: [
        "Addresses", "Packets", "ProtocolStack", "Host",
        .product(name: "BasicContainers", package: "swift-collections"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: laws),
    .target(
      name: "SocketsMetrics",
      dependencies: [
        "ProtocolStack", "Sockets", .product(name: "CoreMetrics", package: "swift-metrics"),
      ],
      swiftSettings: laws),
    .target(
      name: "Simulation",
      dependencies: [
        "Addresses", "Packets", "ProtocolStack", "Sockets",
        .product(name: "BasicContainers", package: "swift-collections"),
      ],
      swiftSettings: laws),
    .testTarget(
      name: "SimulationTests",
      dependencies: ["Addresses", "Packets", "ProtocolStack", "Simulation", "Sockets"],
      swiftSettings: laws),
    .executableTarget(
      name: "sock",
      dependencies: [
        "Addresses", "Packets", "Host", "ProtocolStack", "Sockets", "Simulation",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: laws),
    .testTarget(
      name: "ProtocolStackTests", dependencies: ["Addresses", "Packets", "ProtocolStack"],
      swiftSettings: laws),
    .executableTarget(
      name: "hotpath", dependencies: ["Addresses", "Packets", "ProtocolStack"],
      path: "Benchmarks/HotPath",
      exclude: ["fast-path.txt", "instructions.txt", "traps.txt"], swiftSettings: laws),
    .executableTarget(
      name: "datagram-echo", dependencies: ["Sockets"], path: "Benchmarks/DatagramEcho",
      swiftSettings: laws),
    .testTarget(name: "TidyTests", swiftSettings: laws),
    .executableTarget(
      name: "echo-server", dependencies: ["Sockets"], path: "Examples/EchoServer",
      swiftSettings: laws),
    .executableTarget(
      name: "port-forwarder", dependencies: ["Sockets"], path: "Examples/PortForwarder",
      swiftSettings: laws),
    .executableTarget(
      name: "http-client", dependencies: ["Sockets"], path: "Examples/HTTPClient",
      swiftSettings: laws),
    .executableTarget(
      name: "ping-host", dependencies: ["Addresses", "Sockets"], path: "Examples/PingHost",
      swiftSettings: laws),
    .executableTarget(
      name: "multicast-chat", dependencies: ["Addresses", "Sockets"],
      path: "Examples/MulticastChat", swiftSettings: laws),
    .executableTarget(
      name: "descriptor-passing",
      dependencies: ["Sockets", .product(name: "SystemPackage", package: "swift-system")],
      path: "Examples/DescriptorPassing", swiftSettings: laws),
    .executableTarget(
      name: "packet-flow", dependencies: ["Addresses", "Sockets"], path: "Examples/PacketFlow",
      swiftSettings: laws),
    .testTarget(
      name: "ConformanceTests",
      dependencies: [
        "Addresses", "Packets", "ProtocolStack", "Simulation", "Sockets",
        .product(name: "InMemoryLogging", package: "swift-log"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: laws),
    .testTarget(
      name: "SocketsTests",
      dependencies: [
        "Addresses", "Packets", "ProtocolStack", "Sockets", "SocketsMetrics",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: laws),
    .testTarget(
      name: "SockTests",
      dependencies: [
        "Addresses", "Host", "Packets", "ProtocolStack", "Sockets", "sock",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: laws),
    .testTarget(name: "AddressesTests", dependencies: ["Addresses"], swiftSettings: laws),
    .testTarget(
      name: "FuzzTests", dependencies: ["Addresses", "Packets", "ProtocolStack"], path: "Fuzz",
      exclude: ["Package.swift", "Corpus", "Sources"], sources: ["Targets", "Tests"],
      swiftSettings: laws),
    .testTarget(
      name: "PacketsTests", dependencies: ["Addresses", "Packets"], swiftSettings: laws),
    .target(name: "CLinux"),
    .target(name: "CBerkeley"),
    .target(
      name: "Berkeley",
      dependencies: [
        "Addresses", "Packets", "ProtocolStack", "Host", "Sockets", "CBerkeley",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: laws),
    .executableTarget(
      name: "classic-echo", dependencies: ["Berkeley"], path: "Examples/ClassicEchoInSwift",
      swiftSettings: laws),
    .target(name: "BerkeleyCases", dependencies: ["CBerkeley"], path: "Tests/BerkeleyCases"),
    .testTarget(
      name: "BerkeleyTests", dependencies: ["Berkeley", "BerkeleyCases"], swiftSettings: laws),
    // With the Swift runtime inside, so that a C program needs nothing else.
    .target(
      name: "libsockets", dependencies: ["Berkeley"],
      linkerSettings: [.unsafeFlags(["-static-stdlib"])]),
    .target(
      name: "Host",
      dependencies: [
        "Addresses", "Packets", "CLinux",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: laws),
    .testTarget(
      name: "HostTests",
      dependencies: [
        "Addresses", "Packets", "Host", .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: laws),
  ]
)

// SOCKETS_SANITIZE=thread builds the package's own code for ThreadSanitizer. The flag of
// `swift build` would build the dependencies so as well, which 6.3.1 cannot.
if let sanitizer = Context.environment["SOCKETS_SANITIZE"] {
  for target in package.targets {
    target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize=\(sanitizer)"])]
    target.cSettings = (target.cSettings ?? []) + [.unsafeFlags(["-fsanitize=\(sanitizer)"])]
    target.linkerSettings =
      (target.linkerSettings ?? []) + [.unsafeFlags(["-sanitize=\(sanitizer)"])]
  }
}
