/// Cuts the log of a container into lines. Plain: bytes in, lines out.
///
/// The engine sends frames: a byte for the stream (1 stdout, 2 stderr), three zeros, four bytes of length with the
/// highest first, and the bytes (https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach).
/// A line of one stream may come in several frames, with frames of the other between.
struct LogFrames: Sendable {
    private var head: [UInt8] = []
    /// Bytes of the present frame that are still to come.
    private var left = 0
    private var stream: UInt8 = 1
    private var framers: [UInt8: LineFramer] = [:]
    private let limit: Int

    /// - Parameter limit: longest line, in bytes; a longer one is dropped.
    init(limit: Int) { self.limit = limit }

    /// - Returns: the lines that are whole now, each with its stream.
    mutating func feed(_ bytes: [UInt8]) -> [(stream: UInt8, event: LineFramer.Event)] {
        var lines: [(stream: UInt8, event: LineFramer.Event)] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            if left == 0 {
                let missing = 8 - head.count
                head += rest.prefix(missing)
                rest = rest.dropFirst(missing)
                guard head.count == 8 else { break }
                stream = head[0]
                left = head[4...].reduce(0) { $0 << 8 | Int($1) }
                head = []
                continue
            }
            let piece = rest.prefix(left)
            rest = rest.dropFirst(left)
            left -= piece.count
            let events = framers[stream, default: LineFramer(limit: limit)].feed(piece)
            lines += events.map { (stream, $0) }
        }
        return lines
    }

    /// What came after the last line feed of each stream, at the end.
    mutating func finish() -> [[UInt8]] {
        framers.keys.sorted().compactMap { framers[$0]?.finish() }
    }
}
