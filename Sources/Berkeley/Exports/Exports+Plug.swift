// swift-format-ignore-file: AlwaysUseLowerCamelCase
import CBerkeley
import Packets
import Synchronization
import SystemPackage

// The Swift end of the seam, where packetdrill plays the network.

@c @implementation
public func berkeley_plug_open(_ description: UnsafePointer<CChar>?) -> CInt {
  answer { () throws(Errno) in
    guard let description = unsafe description else { throw .badAddress }
    let plug = try Plug(unsafe String(cString: description))
    Plug.shared.withLock { $0 = plug }
    return 0
  }
}

private var plug: Plug? { Plug.shared.withLock { $0 } }

@c @implementation
public func berkeley_plug_begin() -> CInt {
  answer { () throws(Errno) in
    try plug?.begin()
    return 0
  }
}

@c @implementation
public func berkeley_plug_close() { plug?.close() }

@c @implementation
public func berkeley_plug_inject(_ packet: UnsafeRawPointer?, _ count: Int) -> CInt {
  answer { () throws(Errno) in
    guard let packet = unsafe packet else { throw .badAddress }
    let memory = unsafe UnsafeRawBufferPointer(start: packet, count: count)
    try plug?.inject(unsafe Span<UInt8>(_unsafeBytes: memory))
    return 0
  }
}

@c @implementation
public func berkeley_plug_take(
  _ packet: UnsafeMutableRawPointer?, _ capacity: Int, _ microseconds: UnsafeMutablePointer<Int64>?
) -> Int {
  answering { () throws(Errno) in
    guard let packet = unsafe packet else { throw .badAddress }
    guard let taken = plug?.take() else { return 0 }
    let count = min(taken.bytes.count, capacity)
    let memory = unsafe UnsafeMutableRawBufferPointer(start: packet, count: count)
    unsafe memory.copyBytes(from: taken.bytes.prefix(count))
    unsafe microseconds?.pointee = taken.left.nanoseconds / 1_000
    return count
  }
}

@c @implementation
public func berkeley_plug_pass(_ microseconds: Int64) {
  plug?.pass(.microseconds(microseconds))
}

@c @implementation
public func berkeley_plug_now() -> Int64 {
  plug?.pass(.microseconds(1))
  return (plug?.now.nanoseconds ?? 0) / 1_000
}
