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
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0")
  ],
  targets: [
    .target(name: "Addresses", swiftSettings: laws),
    .target(name: "Packets", dependencies: ["Addresses"], swiftSettings: laws),
    .target(
      name: "ProtocolStack",
      dependencies: [
        "Addresses", "Packets",
        .product(name: "BasicContainers", package: "swift-collections"),
      ],
      swiftSettings: laws),
    .testTarget(name: "AddressesTests", dependencies: ["Addresses"], swiftSettings: laws),
  ]
)
