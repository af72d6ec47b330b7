// swift-format-ignore-file: AlwaysUseLowerCamelCase
import CBerkeley
import SystemPackage

// The Swift end of the seam, where it is about nodes and about waiting for many sockets.

@c @implementation
public func berkeley_open(_ network: UnsafePointer<CChar>?) -> CInt {
  answer { () throws(Errno) in
    guard let network = unsafe network else { throw .badAddress }
    return try Node.open(unsafe String(cString: network)).number
  }
}

@c @implementation
public func berkeley_open_pair(
  _ first: UnsafeMutablePointer<CInt>?, _ second: UnsafeMutablePointer<CInt>?
) -> CInt {
  answer { () throws(Errno) in
    let (one, two) = try Node.openPair()
    unsafe first?.pointee = CInt(one.number)
    unsafe second?.pointee = CInt(two.number)
    return 0
  }
}

@c @implementation
public func berkeley_close_node(_ node: CInt) -> CInt {
  answer { () throws(Errno) in
    guard let node = descriptors.removeNode(Int(node)) else { throw .invalidArgument }
    node.close()
    return 0
  }
}

@c @implementation
public func berkeley_poll(
  _ interests: UnsafeMutablePointer<berkeley_interest>?, _ count: CInt, _ timeout: Int64
) -> CInt {
  answer { () throws(Errno) in
    let buffer = unsafe UnsafeMutableBufferPointer(start: interests, count: Int(count))
    var own = unsafe Array(buffer)
    let found = try poll(&own, timeout: timeout)
    for index in own.indices { unsafe buffer[index] = own[index] }
    return found
  }
}

@c @implementation
public func berkeley_epoll_create() -> CInt {
  answer { () throws(Errno) in Int(try descriptors.insert(.epoll(Epoll()))) }
}

@c @implementation
public func berkeley_epoll_control(
  _ instance: CInt, _ operation: CInt, _ descriptor: CInt, _ events: UInt32, _ data: UInt64
) -> CInt {
  answer { () throws(Errno) in
    guard let entry = descriptors[instance] else { throw .badFileDescriptor }
    guard descriptors[descriptor] != nil else { throw .badFileDescriptor }
    guard case .epoll(let epoll) = entry, instance != descriptor else { throw .invalidArgument }
    guard case .socket(let socket) = descriptors[descriptor] else { throw .invalidArgument }
    try epoll.control(operation, descriptor, socket, events: events, data: data)
    return 0
  }
}

@c @implementation
public func berkeley_epoll_wait(
  _ instance: CInt, _ events: UnsafeMutablePointer<berkeley_event>?, _ count: CInt,
  _ timeout: Int64
) -> CInt {
  answer { () throws(Errno) in
    guard let entry = descriptors[instance] else { throw .badFileDescriptor }
    guard case .epoll(let epoll) = entry else { throw .invalidArgument }
    let found = try epoll.wait(most: Int(count), timeout: timeout)
    let buffer = unsafe UnsafeMutableBufferPointer(start: events, count: Int(count))
    for index in found.indices { unsafe buffer[index] = found[index] }
    return found.count
  }
}
