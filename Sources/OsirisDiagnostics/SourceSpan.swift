/// A place in a text file: one-based line and column, columns counted in Unicode scalars.
public struct SourcePosition: Hashable, Sendable, Comparable, Codable {
    /// One-based.
    public var line: Int
    /// One-based, in Unicode scalars (libyaml's marks count the same way, from zero).
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A stretch of one source file; `end` is exclusive.
public struct SourceSpan: Hashable, Sendable, Codable {
    /// The path as the user wrote it, or `<stdin>`.
    public var file: String
    public var start: SourcePosition
    public var end: SourcePosition

    public init(file: String, start: SourcePosition, end: SourcePosition) {
        self.file = file
        self.start = start
        self.end = end
    }
}

extension SourceSpan: CustomStringConvertible {
    /// `file:line:column`, the form editors and terminals make clickable.
    public var description: String { "\(file):\(start.line):\(start.column)" }
}
