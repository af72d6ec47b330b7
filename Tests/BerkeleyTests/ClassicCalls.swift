import Testing

/// All tests of the library for C, one after another: its descriptors and its nodes are the
/// process's, and a call that names no node means the first that is open.
@Suite(.serialized)
enum ClassicCalls {}
