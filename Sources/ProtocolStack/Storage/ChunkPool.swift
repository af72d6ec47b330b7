import Packets

/// The memory of all send and receive buffers of a stack: chunks of 4 KiB under one budget.
///
/// Chunks are named by number and handed out last-freed first, so that a busy stack works in memory
/// that is still in the cache. Blocks of 64 chunks are allocated as they are needed, up to the
/// limit, and kept. Running out answers nothing; the callers refuse or drop, and count.
@safe
struct ChunkPool: ~Copyable, @unchecked Sendable {
  /// Bytes in a chunk, a power of two.
  static var chunkSize: Int { 4096 }
  static var chunkShift: Int { 12 }
  private static var blockShift: Int { 6 }
  private static var blockSize: Int { 64 }

  private var blocks: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>
  private var blockCount = 0
  private let blockLimit: Int
  private var free = MaskedStorage<UInt32>()
  private var freeCount = 0
  /// Chunks that belong to buffers now.
  private(set) var inUse = 0

  /// - Parameter limit: the budget in bytes, rounded up to whole blocks.
  init(limit: Int) {
    let block = Self.blockSize &* Self.chunkSize
    blockLimit = limit < block ? 1 : (limit &+ block &- 1) / block
    unsafe blocks = .allocate(capacity: blockLimit)
  }

  deinit {
    for index in 0..<blockCount { unsafe blocks[index].deallocate() }
    unsafe blocks.deallocate()
  }

  /// Chunks that can still be had.
  var available: Int { blockLimit &* Self.blockSize &- inUse }

  /// A chunk with undefined content, or nothing where the budget is spent.
  mutating func take() -> UInt32? {
    if freeCount == 0 { addBlock() }
    guard freeCount > 0 else { return nil }
    freeCount &-= 1
    inUse &+= 1
    return free[freeCount]
  }

  /// Gives a chunk back.
  mutating func recycle(_ chunk: UInt32) {
    free[freeCount] = chunk
    freeCount &+= 1
    inUse &-= 1
  }

  /// Copies `source` into a chunk, as much as fits behind `offset`.
  @inline(__always)
  func write(_ source: Span<UInt8>, to chunk: UInt32, at offset: Int) {
    let room = Self.chunkSize &- offset
    let amount = source.count < room ? source.count : room
    guard offset >= 0, amount > 0, let target = unsafe address(chunk) else { return }
    unsafe source.withUnsafeBytes { bytes in
      unsafe UnsafeMutableRawPointer(target + offset).copyMemory(
        from: bytes.baseAddress.unsafelyUnwrapped, byteCount: amount)
    }
  }

  /// Copies from a chunk into `target` at `position`, at most `length` bytes.
  @inline(__always)
  func read(
    _ chunk: UInt32, at offset: Int, length: Int, into target: inout MutableSpan<UInt8>,
    at position: Int
  ) {
    guard offset >= 0, length > 0, length <= Self.chunkSize &- offset, position >= 0,
      length <= target.count &- position, let source = unsafe address(chunk)
    else { return }
    unsafe target.withUnsafeMutableBytes { bytes in
      unsafe (bytes.baseAddress.unsafelyUnwrapped + position).copyMemory(
        from: source + offset, byteCount: length)
    }
  }

  @inline(__always)
  private func address(_ chunk: UInt32) -> UnsafeMutablePointer<UInt8>? {
    let block = Int(chunk) &>> Self.blockShift
    guard block < blockCount else { return nil }
    return unsafe blocks[block] + (Int(chunk) & (Self.blockSize &- 1)) &* Self.chunkSize
  }

  private mutating func addBlock() {
    guard blockCount < blockLimit else { return }
    let total = (blockCount &+ 1) &* Self.blockSize
    if free.capacity < total { free.reset(capacity: total &* 2, filling: 0) }
    unsafe blocks.advanced(by: blockCount).initialize(
      to: .allocate(capacity: Self.blockSize &* Self.chunkSize))
    var index = Self.blockSize
    while index > 0 {
      index &-= 1
      free[freeCount] = UInt32(truncatingIfNeeded: blockCount &* Self.blockSize &+ index)
      freeCount &+= 1
    }
    blockCount &+= 1
  }
}
