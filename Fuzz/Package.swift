// swift-tools-version: 6.3
import PackageDescription

// Fuzz targets, apart from the package itself so that nobody who imports it builds them. They need
// flags that the whole graph is built with; `Scripts/fuzz` passes them. What they do with their
// input is in `Targets`, which the package's own tests compile too, to replay the corpora.
let laws: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
  .enableExperimentalFeature("Lifetimes"), .enableExperimentalFeature("Extern"),
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "fuzz",
  dependencies: [.package(name: "swift-sockets", path: "..")],
  targets: [
    .target(
      name: "FuzzTargets",
      dependencies: [
        .product(name: "Addresses", package: "swift-sockets"),
        .product(name: "Packets", package: "swift-sockets"),
        .product(name: "ProtocolStack", package: "swift-sockets"),
      ],
      path: "Targets", swiftSettings: laws),
    .target(name: "FuzzDriver", swiftSettings: laws),
    .executableTarget(
      name: "fuzz-parsers", dependencies: ["FuzzDriver", "FuzzTargets"], swiftSettings: laws),
    .executableTarget(
      name: "fuzz-stack", dependencies: ["FuzzDriver", "FuzzTargets"], swiftSettings: laws),
  ]
)
