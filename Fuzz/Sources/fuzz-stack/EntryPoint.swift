import FuzzDriver
import FuzzTargets

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe exercise(data, count) { _ = exerciseStack($0) }
}

@c(fuzz_stack_main)
public func start(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  unsafe fuzz(count, arguments) { unsafe testOneInput($0, $1) }
}
