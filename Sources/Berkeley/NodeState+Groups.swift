import Addresses
import ProtocolStack
import SystemPackage

/// Multicast groups with the errors that Linux has for them (`ip_mc_join_group`, `ip_mc_source` and
/// what IPv6 has in their place). The stack is told what comes of it.
extension NodeState {
  mutating func changeGroup(
    _ index: Int, _ change: GroupChange, _ request: GroupRequest
  ) throws(Errno) {
    // Of IPv4, what is no group is one that was not joined.
    if change == .leave, request.group.isIPv4 {
      try leave(index, request)
    } else {
      guard request.group.isMulticast else { throw .invalidArgument }
      switch (change, request.source) {
      case (.join, _): try join(index, request, isExclude: true)
      case (.leave, _): try leave(index, request)
      case (.joinSource, let source?): try join(index, request, from: source)
      case (.leaveSource, let source?):
        try edit(index, request) { (membership) throws(Errno) in
          try membership.remove(source, fromExclude: false)
        }
        leaveIfEmpty(index, request)
      case (.blockSource, let source?):
        try edit(index, request) { (membership) throws(Errno) in
          try membership.add(source, toExclude: true)
        }
      case (.unblockSource, let source?):
        try edit(index, request) { (membership) throws(Errno) in
          try membership.remove(source, fromExclude: true)
        }
      default: throw .invalidArgument
      }
    }
  }

  /// Names all sources of a group at a time (`IP_MSFILTER`, `MCAST_MSFILTER`; RFC 3678 §5.2). Of
  /// none that is to be heard, the group is left.
  mutating func setSources(
    _ index: Int, _ request: GroupRequest, isExclude: Bool, _ sources: [IPAddress]
  ) throws(Errno) {
    guard request.group.isMulticast else { throw .invalidArgument }
    guard interface(request) != nil else { throw .noSuchDevice }
    if !isExclude, sources.isEmpty { return try leave(index, request) }
    try edit(index, request) { (membership) throws(Errno) in
      membership.replace(sources, isExclude: isExclude)
    }
  }

  /// What a socket hears of a group, as it was said.
  func membership(_ index: Int, _ request: GroupRequest) throws(Errno) -> GroupMembership {
    guard request.group.isMulticast else { throw .invalidArgument }
    guard let place = place(index, request) else { throw .addressNotAvailable }
    return records[index].groups[place]
  }

  /// Chooses what groups are sent to by (`IP_MULTICAST_IF`): the interface of a number, else the
  /// one that has an address, else whichever.
  mutating func chooseInterface(
    _ index: Int, number: UInt32, local: IPAddress?
  ) throws(Errno) {
    var chosen: InterfaceIndex?
    if number > 0 || local != nil {
      chosen = interface(number: number, local: local)
      guard let chosen else { throw .addressNotAvailable }
      let device = records[index].options.device
      guard device == nil || device == chosen else { throw .invalidArgument }
    }
    let value = chosen.map { Int64($0.rawValue) } ?? 0
    try setOption(index, CInt(BERKELEY_MULTICAST_INTERFACE), value)
    records[index].options.multicastAddress = local
  }

  private mutating func join(
    _ index: Int, _ request: GroupRequest, isExclude: Bool
  ) throws(Errno) {
    guard place(index, request) == nil else { throw .addressInUse }
    guard let interface = interface(request) else { throw .noSuchDevice }
    if request.group.isIPv4 {
      guard records[index].groups.count < GroupMembership.groupLimit else { throw .noBufferSpace }
    }
    let membership = GroupMembership(
      group: request.group, interface: interface, isExclude: isExclude)
    try obey(index, nil, membership)
    records[index].groups.append(membership)
  }

  private mutating func join(
    _ index: Int, _ request: GroupRequest, from source: IPAddress
  ) throws(Errno) {
    if place(index, request) == nil { try join(index, request, isExclude: false) }
    do {
      try edit(index, request) { (membership) throws(Errno) in
        try membership.add(source, toExclude: false)
      }
    } catch {
      if let place = place(index, request), records[index].groups[place].isNew {
        records[index].groups.remove(at: place)
      }
      throw error
    }
  }

  private mutating func leave(_ index: Int, _ request: GroupRequest) throws(Errno) {
    guard let place = place(index, request) else {
      throw .addressNotAvailable
    }
    try obey(index, records[index].groups[place], nil)
    records[index].groups.remove(at: place)
  }

  /// Changes a membership. As on Linux it may have been turned round although the rest was refused.
  private mutating func edit(
    _ index: Int, _ request: GroupRequest,
    _ body: (inout GroupMembership) throws(Errno) -> Void
  ) throws(Errno) {
    guard interface(request) != nil else { throw .noSuchDevice }
    guard let place = place(index, request) else { throw .invalidArgument }
    let old = records[index].groups[place]
    var new = old
    let outcome = Result { () throws(Errno) in try body(&new) }
    try obey(index, old, new)
    records[index].groups[place] = new
    try outcome.get()
  }

  /// Nobody is left to be heard: that is to have left.
  private mutating func leaveIfEmpty(_ index: Int, _ request: GroupRequest) {
    guard let place = place(index, request), records[index].groups[place].isEmpty else { return }
    records[index].groups.remove(at: place)
  }

  /// Where the record has the membership that is meant.
  private func place(_ index: Int, _ request: GroupRequest) -> Int? {
    // IPv6 takes any interface where none was named.
    let isAnywhere = request.group.isIPv6 && request.interface == 0
    let interface = isAnywhere ? nil : interface(request)
    guard isAnywhere || interface != nil else { return nil }
    return records[index].groups.firstIndex {
      $0.group == request.group && (isAnywhere || $0.interface == interface)
    }
  }

  /// The interface that is meant; nil where there is none. Where none was named it is the first.
  private func interface(_ request: GroupRequest) -> InterfaceIndex? {
    interface(number: request.interface, local: request.local)
  }

  private func interface(number: UInt32, local: IPAddress?) -> InterfaceIndex? {
    if number > 0 {
      return UInt8(exactly: number).map { InterfaceIndex(rawValue: $0) }
        .flatMap { stack.name(of: $0).isEmpty ? nil : $0 }
    }
    let interfaces = stack.interfaceIndices
    guard let local else { return interfaces.first }
    return interfaces.first { interface in
      stack.addresses(on: interface).contains { $0.prefix.address == local }
    }
  }

  // MARK: The stack

  /// Makes a membership of the stack's out of one, or of none. Where the stack refuses, all is as
  /// before.
  private mutating func obey(
    _ index: Int, _ old: GroupMembership?, _ new: GroupMembership?
  ) throws(Errno) {
    if records[index].handle == nil { try openForGroups(index) }
    guard let handle = records[index].handle else { throw .badFileDescriptor }
    do throws(StackError) {
      try retune(handle, old, new)
    } catch {
      if let new { try? stack.leaveGroup(handle, new.group, on: new.interface, at: now) }
      try? retune(handle, nil, old)
      throw error == .networkDown ? .noSuchDevice : Errno(error)
    }
  }

  private mutating func retune(
    _ handle: SocketHandle, _ old: GroupMembership?, _ new: GroupMembership?
  ) throws(StackError) {
    let old = old.flatMap { $0.isEmpty ? nil : $0 }
    let new = new.flatMap { $0.isEmpty ? nil : $0 }
    if let old, let new, old.isExclude == new.isExclude {
      for source in new.sources where !old.sources.contains(source) {
        try name(handle, source, in: new)
      }
      for source in old.sources where !new.sources.contains(source) {
        try forget(handle, source, in: new)
      }
      return
    }
    if let old { try stack.leaveGroup(handle, old.group, on: old.interface, at: now) }
    guard let new else { return }
    if new.isExclude { try stack.joinGroup(handle, new.group, on: new.interface, at: now) }
    for source in new.sources { try name(handle, source, in: new) }
  }

  private mutating func name(
    _ handle: SocketHandle, _ source: IPAddress, in membership: GroupMembership
  ) throws(StackError) {
    let (group, interface) = (membership.group, membership.interface)
    if membership.isExclude {
      try stack.setBlocked(true, source, in: group, for: handle, on: interface, at: now)
    } else {
      try stack.joinGroup(handle, group, from: source, on: interface, at: now)
    }
  }

  private mutating func forget(
    _ handle: SocketHandle, _ source: IPAddress, in membership: GroupMembership
  ) throws(StackError) {
    let (group, interface) = (membership.group, membership.interface)
    if membership.isExclude {
      try stack.setBlocked(false, source, in: group, for: handle, on: interface, at: now)
    } else {
      try stack.leaveGroup(handle, group, from: source, on: interface, at: now)
    }
  }

  /// Gives a socket that was made for a record the groups that the record has.
  mutating func joinGroups(_ index: Int, _ handle: SocketHandle) {
    for membership in records[index].groups { try? retune(handle, nil, membership) }
  }
}

extension Errno {
  /// ENODEV by the name Linux means it by.
  static var noSuchDevice: Errno { .operationNotSupportedByDevice }
}
