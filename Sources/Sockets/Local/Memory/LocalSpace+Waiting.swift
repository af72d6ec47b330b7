extension LocalSpace {
  /// Tasks that no longer wait, to be woken when the space is free again: to resume a task takes a
  /// lock of the task's, which is held while a cancellation handler runs, and the handler comes
  /// here.
  struct Woken {
    private var queue: WaitQueue
    private let outcome: WaitOutcome

    init(_ queue: WaitQueue, _ outcome: WaitOutcome) {
      self.queue = queue
      self.outcome = outcome
    }

    mutating func wake() { queue.wakeAll(outcome) }
  }

  /// Takes a waiter in.
  ///
  /// - Returns: what to wake it with at once instead.
  mutating func enlist(_ waiter: Waiter, at place: Place) -> WaitOutcome? {
    guard let socket = sockets[place.socket] else {
      return place.queue == .delivering ? .happened : isDown ? .networkDown : .closed
    }
    // Whoever cancels the task from now on finds the waiter in its place.
    if waiter.isCancelled { return .cancelled }
    switch place.queue {
    case .reading:
      if socket.isReadable { return .happened }
      withSocket(place.socket) { $0.reading.append(waiter) }
    case .writing:
      let hasRoom = socket.peer.flatMap { sockets[$0]?.hasRoom } ?? true
      if hasRoom || socket.hasShutDown || socket.failure != nil { return .happened }
      withSocket(place.socket) { $0.writing.append(waiter) }
    case .delivering:
      if socket.hasRoom { return .happened }
      withSocket(place.socket) { $0.delivering.append(waiter) }
    }
    return nil
  }

  /// Wakes one waiter, if it still waits.
  mutating func wake(_ number: UInt64, at place: Place, _ outcome: WaitOutcome) {
    let waiter: Waiter? =
      switch place.queue {
      case .reading: sockets[place.socket]?.reading.remove(number: number)
      case .writing: sockets[place.socket]?.writing.remove(number: number)
      case .delivering: sockets[place.socket]?.delivering.remove(number: number)
      }
    guard let waiter else { return }
    var queue = WaitQueue()
    queue.append(waiter)
    woken.append(Woken(queue, outcome))
  }

  func isWaiting(_ number: UInt64, at place: Place) -> Bool {
    guard let socket = sockets[place.socket] else { return false }
    return switch place.queue {
    case .reading: socket.reading.contains(number: number)
    case .writing: socket.writing.contains(number: number)
    case .delivering: socket.delivering.contains(number: number)
    }
  }

  mutating func wakeReaders(_ number: Number) {
    if let queue = sockets[number]?.reading.takeAll() { release(queue, .happened) }
  }

  mutating func wakeWriters(_ number: Number) {
    if let queue = sockets[number]?.writing.takeAll() { release(queue, .happened) }
  }

  mutating func wakeDeliverers(_ number: Number) {
    if let queue = sockets[number]?.delivering.takeAll() { release(queue, .happened) }
  }

  /// Has those be woken who were taken out of a queue.
  mutating func release(_ queue: WaitQueue, _ outcome: WaitOutcome) {
    if !queue.isEmpty { woken.append(Woken(queue, outcome)) }
  }

  mutating func wake(_ number: Number) {
    wakeReaders(number)
    wakeWriters(number)
  }

  /// Changes a socket in its place.
  mutating func withSocket(_ number: Number, _ body: (inout Socket) -> Void) {
    guard sockets[number] != nil else { return }
    body(&sockets[number, default: Socket(kind: .stream)])
  }
}
