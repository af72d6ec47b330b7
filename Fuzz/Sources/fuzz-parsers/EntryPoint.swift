import FuzzDriver
import FuzzTargets

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe exercise(data, count, exerciseParsers)
}

@c(fuzz_parsers_main)
public func start(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  unsafe fuzz(count, arguments) { unsafe testOneInput($0, $1) }
}
