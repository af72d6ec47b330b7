// swift-tools-version: 6.3
import PackageDescription

// Fuzz targets, apart from the package itself so that nobody who imports it builds them. They need
// flags that the whole graph is built with; `Scripts/fuzz` passes them.
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
    .executableTarget(
      name: "fuzz-parsers",
      dependencies: [
        .product(name: "Addresses", package: "swift-sockets"),
        .product(name: "Packets", package: "swift-sockets"),
      ],
      swiftSettings: laws)
  ]
)
