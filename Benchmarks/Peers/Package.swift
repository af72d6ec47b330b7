// swift-tools-version: 6.3
import PackageDescription

// Echo, discard and generate servers over other Swift socket libraries, for Benchmarks/sockets. A
// package of its own: nobody who uses swift-sockets builds these.
let package = Package(
  name: "Peers",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.0"),
  ],
  targets: [
    .executableTarget(
      name: "NIOHandlers",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .executableTarget(
      name: "NIOAsync",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .executableTarget(
      name: "NIODatagrams",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .executableTarget(
      name: "FlyingEcho", dependencies: [.product(name: "FlyingSocks", package: "FlyingFox")]),
  ],
  swiftLanguageModes: [.v6])
