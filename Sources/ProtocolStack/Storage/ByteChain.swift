import Packets

/// A stream's buffer: a window of bytes that slides forward, kept in chunks of a ``ChunkPool``.
///
/// Position zero is the first byte that was not yet dropped. Bytes may be written anywhere ahead,
/// so that a segment that came out of order lies at once where it belongs; what has been written is
/// the owner's to know. A place is found in constant time; an idle buffer owns no memory.
struct ByteChain: ~Copyable {
  private static var none: UInt32 { .max }

  private var chunks = MaskedStorage<UInt32>()
  /// The place in `chunks` of the chunk that holds position zero.
  private var head = 0
  /// Where in that chunk position zero is.
  private var offset = 0
  /// Chunks held.
  private(set) var chunkCount = 0

  /// Writes `source` at `position`, taking chunks as needed. Linear in its length.
  ///
  /// - Returns: how many bytes were written: fewer than asked only when the pool ran out.
  mutating func write(_ source: Span<UInt8>, at position: Int, from pool: inout ChunkPool) -> Int {
    guard position >= 0, source.count > 0 else { return 0 }
    let end = offset &+ position &+ source.count
    let places = (end &+ ChunkPool.chunkSize &- 1) &>> ChunkPool.chunkShift
    while chunks.capacity < places {
      chunks.grow(rotatingFrom: head, filling: Self.none)
      head = 0
    }
    var done = 0
    var place = offset &+ position
    while done < source.count {
      let slot = head &+ place &>> ChunkPool.chunkShift
      let inside = place & (ChunkPool.chunkSize &- 1)
      let length = min(ChunkPool.chunkSize &- inside, source.count &- done)
      var chunk = chunks[slot]
      if chunk == Self.none {
        guard let fresh = pool.take() else { return done }
        chunk = fresh
        chunks[slot] = fresh
        chunkCount &+= 1
      }
      pool.write(source.slice(from: done, length: length), to: chunk, at: inside)
      done &+= length
      place &+= length
    }
    return done
  }

  /// Copies `length` bytes from `position` on into `target` at `targetOffset`. Where nothing was
  /// written, nothing is copied. Linear in the length.
  func read(
    at position: Int, length: Int, into target: inout MutableSpan<UInt8>, at targetOffset: Int,
    from pool: borrowing ChunkPool
  ) {
    var done = 0
    var place = offset &+ position
    guard position >= 0, chunks.capacity > 0 else { return }
    while done < length {
      let inside = place & (ChunkPool.chunkSize &- 1)
      let piece = min(ChunkPool.chunkSize &- inside, length &- done)
      let number = place &>> ChunkPool.chunkShift
      guard number < chunks.capacity else { return }
      let chunk = chunks[head &+ number]
      if chunk != Self.none {
        pool.read(chunk, at: inside, length: piece, into: &target, at: targetOffset &+ done)
      }
      done &+= piece
      place &+= piece
    }
  }

  /// Slides the window `length` bytes forward and gives the chunks left behind back.
  mutating func dropFirst(_ length: Int, to pool: inout ChunkPool) {
    guard length > 0, chunks.capacity > 0 else { return }
    offset &+= length
    while offset >= ChunkPool.chunkSize {
      release(head, to: &pool)
      head &+= 1
      offset &-= ChunkPool.chunkSize
    }
  }

  /// Gives back the chunk of position zero as well, when the owner knows the window is empty.
  mutating func trim(to pool: inout ChunkPool) {
    guard chunks.capacity > 0 else { return }
    release(head, to: &pool)
    offset = 0
  }

  /// Gives everything back.
  mutating func removeAll(to pool: inout ChunkPool) {
    var place = 0
    while place < chunks.capacity {
      release(place, to: &pool)
      place &+= 1
    }
    chunks.removeAll()
    head = 0
    offset = 0
  }

  private mutating func release(_ place: Int, to pool: inout ChunkPool) {
    let chunk = chunks[place]
    guard chunk != Self.none else { return }
    chunks[place] = Self.none
    chunkCount &-= 1
    pool.recycle(chunk)
  }
}
