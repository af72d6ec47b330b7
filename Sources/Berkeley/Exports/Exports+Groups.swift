// swift-format-ignore-file: AlwaysUseLowerCamelCase
import Addresses
import CBerkeley
import SystemPackage

// The Swift end of the seam, where it is about multicast groups.

extension GroupRequest {
  /// nil where no group is named.
  init?(_ request: berkeley_group_request) {
    guard let group = request.group.address else { return nil }
    self.init(
      group: group.address, source: request.source.address?.address,
      local: request.local.address?.address, interface: request.interface_index)
  }
}

extension GroupChange {
  init?(_ number: CInt) {
    switch Int(number) {
    case BERKELEY_JOIN_GROUP: self = .join
    case BERKELEY_LEAVE_GROUP: self = .leave
    case BERKELEY_JOIN_SOURCE: self = .joinSource
    case BERKELEY_LEAVE_SOURCE: self = .leaveSource
    case BERKELEY_BLOCK_SOURCE: self = .blockSource
    case BERKELEY_UNBLOCK_SOURCE: self = .unblockSource
    default: return nil
    }
  }
}

@c @implementation
public func berkeley_change_group(
  _ descriptor: CInt, _ change: CInt, _ request: UnsafePointer<berkeley_group_request>?
) -> CInt {
  answer { () throws(Errno) in
    guard let change = GroupChange(change),
      let request = unsafe request.flatMap({ unsafe GroupRequest($0.pointee) })
    else { throw .invalidArgument }
    return try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      try state.changeGroup(index, change, request)
      return 0
    }
  }
}

@c @implementation
public func berkeley_choose_interface(
  _ descriptor: CInt, _ number: UInt32, _ local: UnsafePointer<berkeley_address>?
) -> CInt {
  answer { () throws(Errno) in
    let address = unsafe local?.pointee.address?.address
    return try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      try state.chooseInterface(index, number: number, local: address)
      return 0
    }
  }
}

@c @implementation
public func berkeley_set_sources(
  _ descriptor: CInt, _ request: UnsafePointer<berkeley_group_request>?, _ is_exclude: CInt,
  _ sources: UnsafePointer<berkeley_address>?, _ count: CInt
) -> CInt {
  answer { () throws(Errno) in
    guard let request = unsafe request.flatMap({ unsafe GroupRequest($0.pointee) }) else {
      throw .invalidArgument
    }
    let given = unsafe UnsafeBufferPointer(start: sources, count: Int(count))
    let list = unsafe given.compactMap { $0.address?.address }
    return try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      try state.setSources(index, request, isExclude: is_exclude != 0, list)
      return 0
    }
  }
}

@c @implementation
public func berkeley_get_sources(
  _ descriptor: CInt, _ request: UnsafePointer<berkeley_group_request>?,
  _ is_exclude: UnsafeMutablePointer<CInt>?, _ sources: UnsafeMutablePointer<berkeley_address>?,
  _ capacity: CInt
) -> CInt {
  answer { () throws(Errno) in
    guard let request = unsafe request.flatMap({ unsafe GroupRequest($0.pointee) }) else {
      throw .invalidArgument
    }
    return try descriptors.turn(descriptor) { (state, index) throws(Errno) in
      let membership = try state.membership(index, request)
      unsafe is_exclude?.pointee = membership.isExclude ? 1 : 0
      for (place, source) in membership.sources.prefix(Int(capacity)).enumerated() {
        unsafe sources?[place] = berkeley_address(SocketAddress(source, port: .any))
      }
      return membership.sources.count
    }
  }
}
