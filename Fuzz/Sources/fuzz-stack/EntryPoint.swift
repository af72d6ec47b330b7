// What libFuzzer calls, and how the process begins. SwiftPM renames an executable's `main`, so the
// renamed one hands over to the driver inside of libFuzzer's run-time library.

import FuzzTargets

@_extern(c, "LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let data = unsafe data, count > 0 else { return 0 }
  let input = unsafe Span(_unsafeStart: data, count: count)
  exerciseStack(input)
  return 0
}

@c(fuzz_stack_main)
public func start(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  var count = count
  var arguments = unsafe arguments
  return unsafe withUnsafeMutablePointer(to: &arguments) { pointer in
    unsafe runDriver(
      &count,
      UnsafeMutableRawPointer(pointer).assumingMemoryBound(
        to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self),
      { unsafe testOneInput($0, $1) })
  }
}
