/// Lines that others wrote, as they may go to a terminal: what a function prints must not move the cursor, nor change
/// colours or the title.
public struct PrintableLines: Sendable {
    /// What came after the last line feed.
    private var rest: [UInt8] = []

    public init() {}

    /// Takes the next bytes and returns the lines they complete. Tabs stay, other control characters become escapes.
    public mutating func feed(_ bytes: [UInt8]) -> String {
        rest += bytes
        guard let end = rest.lastIndex(of: 0x0A) else { return "" }
        let lines = rest[..<end].split(separator: 0x0A, omittingEmptySubsequences: false)
        rest.removeFirst(end + 1)
        return lines.map { Self.printable($0) + "\n" }.joined()
    }

    /// The line that has no line feed, at the end.
    public mutating func end() -> String {
        defer { rest = [] }
        return Self.printable(rest[...])
    }

    private static func printable(_ line: ArraySlice<UInt8>) -> String {
        let text = String(decoding: line, as: UTF8.self)
        return text.split(separator: "\t", omittingEmptySubsequences: false)
            .map { PrintableText.escaped(String($0)) }.joined(separator: "\t")
    }
}
