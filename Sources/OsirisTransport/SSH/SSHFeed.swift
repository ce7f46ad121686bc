import Foundation

/// What a command reads: bytes, then a file.
struct SSHFeed {
    /// Read from the file at once.
    private static let pieceBytes = 256 * 1024

    private var bytes: ArraySlice<UInt8>
    private var file: FileHandle?
    /// True: `bytes` and file wait for the command to be the right one to read them.
    private var isHeld: Bool
    /// Goes before the rest, held or not.
    private var first: ArraySlice<UInt8> = []

    init(_ bytes: [UInt8] = [], file: FileHandle? = nil, isHeld: Bool = false) {
        self.bytes = bytes[...]
        self.file = file
        self.isHeld = isHeld
    }

    mutating func send(first words: String) { first += words.utf8 }
    mutating func release() { isHeld = false }

    /// Nothing more is read by the command.
    mutating func end() {
        (first, bytes, file, isHeld) = ([], [], nil, false)
    }

    /// What goes next; empty when there is nothing now.
    /// - Throws: what reading the file throws.
    mutating func next() throws -> ArraySlice<UInt8> {
        if !first.isEmpty { return first }
        if isHeld { return [] }
        if bytes.isEmpty, let file {
            // Blocks the loop for no longer than a read from the page cache or a disk takes.
            if let data = try file.read(upToCount: Self.pieceBytes), !data.isEmpty {
                bytes = Array(data)[...]
            } else {
                self.file = nil
            }
        }
        return bytes
    }

    /// So many bytes of `next` went.
    mutating func drop(_ count: Int) {
        if first.isEmpty { bytes = bytes.dropFirst(count) } else { first = first.dropFirst(count) }
    }

    /// True when nothing is left and nothing will come.
    var isAtEnd: Bool { first.isEmpty && bytes.isEmpty && file == nil && !isHeld }
}
