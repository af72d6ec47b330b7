/// A run of octets that arrived out of order (RFC 2018 §3).
public struct SACKBlock: Hashable, Sendable {
  /// The first octet of the run.
  public var left: SequenceNumber
  /// The octet behind its last.
  public var right: SequenceNumber

  @inline(__always)
  public init(left: SequenceNumber, right: SequenceNumber) {
    self.left = left
    self.right = right
  }

  /// Whether the run has at least one octet.
  public var isValid: Bool { left.precedes(right) }
}

/// Up to four ``SACKBlock``s, in place: as many as fit into a TCP header.
public struct SACKBlocks: Equatable, Sendable {
  private var first, second, third, fourth: SACKBlock
  public private(set) var count: Int

  /// The most that fit.
  public static var capacity: Int { 4 }

  private static var none: SACKBlock {
    SACKBlock(left: SequenceNumber(rawValue: 0), right: SequenceNumber(rawValue: 0))
  }

  @inline(__always)
  public init() {
    first = Self.none
    second = Self.none
    third = Self.none
    fourth = Self.none
    count = 0
  }

  public var isEmpty: Bool { count == 0 }

  /// The block at `index`; an empty one from octet zero to zero where there is none.
  public subscript(index: Int) -> SACKBlock {
    guard index < count else { return Self.none }
    switch index {
    case 0: return first
    case 1: return second
    case 2: return third
    case 3: return fourth
    default: return Self.none
    }
  }

  /// Appends a block.
  ///
  /// - Returns: false, and nothing changed, where four are there already.
  @discardableResult
  public mutating func append(_ block: SACKBlock) -> Bool {
    switch count {
    case 0: first = block
    case 1: second = block
    case 2: third = block
    case 3: fourth = block
    default: return false
    }
    count &+= 1
    return true
  }
}
