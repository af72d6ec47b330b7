// How libFuzzer is entered, and how it hands over what it has made up. Each target names its own two
// entry points, for libFuzzer looks for the one by name and SwiftPM calls the other after the target:
// it renames an executable's `main`, so the renamed one hands over to the driver inside of
// libFuzzer's run-time library.

@_extern(c, "LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// What `LLVMFuzzerTestOneInput` does.
public func exercise(
  _ data: UnsafePointer<UInt8>?, _ count: Int, _ body: (Span<UInt8>) -> Void
) -> CInt {
  guard let data = unsafe data, count > 0 else { return 0 }
  body(unsafe Span(_unsafeStart: data, count: count))
  return 0
}

/// What `main` does.
public func fuzz(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt {
  var count = count
  var arguments = unsafe arguments
  return unsafe withUnsafeMutablePointer(to: &arguments) { pointer in
    unsafe runDriver(
      &count,
      UnsafeMutableRawPointer(pointer).assumingMemoryBound(
        to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self),
      test)
  }
}
