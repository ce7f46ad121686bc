/// Cuts a byte stream into lines, with a bound on how long one may get. Plain: bytes in, events out.
public struct LineFramer: Sendable {
    /// What came out of the stream.
    public enum Event: Sendable, Equatable {
        /// A line without its line feed.
        case line([UInt8])
        /// A line grew over the limit. Its bytes are dropped up to its line feed.
        case overflow
    }

    private let limit: Int
    private var partial: [UInt8] = []
    private var dropping = false

    /// - Parameter limit: longest line, in bytes without the line feed.
    public init(limit: Int) { self.limit = limit }

    /// Takes the next bytes and returns the events they complete.
    public mutating func feed(_ bytes: some Collection<UInt8>) -> [Event] {
        var events: [Event] = []
        for piece in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            // Every piece but the first comes after a line feed.
            if piece.offset > 0 { finish(into: &events) }
            guard !dropping else { continue }
            if partial.count + piece.element.count > limit {
                dropping = true
                partial = []
                events.append(.overflow)
            } else {
                partial.append(contentsOf: piece.element)
            }
        }
        return events
    }

    /// The bytes after the last line feed, at the end of the stream; nil if there are none.
    public mutating func finish() -> [UInt8]? {
        defer { partial = [] }
        return partial.isEmpty ? nil : partial
    }

    private mutating func finish(into events: inout [Event]) {
        if dropping {
            dropping = false
        } else {
            events.append(.line(partial))
            partial = []
        }
    }
}
