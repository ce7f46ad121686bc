/// The lines of source files, cut and measured for display. Each file is split once.
struct SourceExcerpts {
    /// One source line made printable, and what stands under it.
    struct Excerpt {
        var line: String
        var indent: String
        var marks: String
    }

    /// A longer line is shown as the stretch around the place.
    private static let widest = 160
    private static let tabWidth = 4

    private let sources: [String: String]
    private var lines: [String: [Substring.UnicodeScalarView]] = [:]

    init(sources: [String: String]) { self.sources = sources }

    /// Nil if the file or the line is not known.
    mutating func excerpt(of span: SourceSpan, mark: Character) -> Excerpt? {
        guard let line = line(span.start.line, of: span.file) else { return nil }
        let count = line.count
        let start = min(max(span.start.column - 1, 0), count)
        // A span over several lines is underlined to the end of its first one.
        let end = span.end.line > span.start.line ? count : min(max(span.end.column - 1, start), count)
        var window = 0..<count
        if count > Self.widest {
            let from = max(0, min(start - Self.widest / 4, count - Self.widest))
            window = from..<min(from + Self.widest, count)
        }
        var shown = window.lowerBound > 0 ? "…" : ""
        var column = shown.isEmpty ? 0 : 1
        var (markStart, markEnd) = (column, column)
        for (index, scalar) in zip(window, line.dropFirst(window.lowerBound)) {
            if index == start { markStart = column }
            let cell = Self.cell(scalar, at: column)
            shown.unicodeScalars.append(contentsOf: cell.text.unicodeScalars)
            column += cell.width
            if index < end { markEnd = column }
        }
        if start >= window.upperBound { markStart = column }
        if window.upperBound < count { shown += "…" }
        while shown.last == " " { shown.removeLast() }
        return Excerpt(
            line: shown, indent: String(repeating: " ", count: markStart),
            marks: String(repeating: mark, count: max(1, markEnd - markStart)))
    }

    private static func cell(_ scalar: Unicode.Scalar, at column: Int) -> (text: String, width: Int) {
        if scalar == "\t" {
            let width = tabWidth - column % tabWidth
            return (String(repeating: " ", count: width), width)
        }
        if DisplayText.isUnsafe(scalar) { return ("\u{FFFD}", 1) }
        return (String(scalar), DisplayText.width(of: scalar))
    }

    private mutating func line(_ number: Int, of file: String) -> Substring.UnicodeScalarView? {
        if lines[file] == nil, let text = sources[file] { lines[file] = Self.split(text) }
        guard let known = lines[file], known.indices.contains(number - 1) else { return nil }
        return known[number - 1]
    }

    /// At LF, CRLF and CR, as YAML does.
    private static func split(_ text: String) -> [Substring.UnicodeScalarView] {
        let scalars = text.unicodeScalars
        var result: [Substring.UnicodeScalarView] = []
        var start = scalars.startIndex
        var index = start
        while index < scalars.endIndex {
            let scalar = scalars[index]
            guard scalar == "\n" || scalar == "\r" else {
                index = scalars.index(after: index)
                continue
            }
            result.append(Substring(scalars[start..<index]).unicodeScalars)
            index = scalars.index(after: index)
            if scalar == "\r", index < scalars.endIndex, scalars[index] == "\n" { index = scalars.index(after: index) }
            start = index
        }
        result.append(Substring(scalars[start...]).unicodeScalars)
        return result
    }
}
