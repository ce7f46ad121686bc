import OsirisModel

/// One differing value as lines: on one line where it fits, shortened around the difference where it does not, line by
/// line where it has lines.
struct DifferenceText {
    /// Columns for the text after the label.
    var columns: Int
    /// Context and lines shown of a multi-line value; nil: all.
    var lineLimit: Int?
    /// False to leave long values whole.
    var shortens: Bool

    /// A value as it becomes: `"hi" → "hello"`, or only the new one when there was none.
    /// - Returns: one line, or several that stand below the label.
    func lines(before: Value?, after: Value?, created: Bool) -> Result {
        if case .secret? = before, case .secret? = after { return .line(ValueText.changedSecret) }
        if let old = textLines(before), let new = textLines(after), old.count > 1 || new.count > 1, old != new {
            return .below(lineDiff(old, new))
        }
        if created, before == nil { return .line(fitted(ValueText.inline(after))) }
        let (old, new) = (ValueText.inline(before), ValueText.inline(after))
        let whole = "\(old) → \(new)"
        guard shortens, PrintableText.width(whole) > columns else { return .line(whole) }
        let (shortOld, shortNew) = Self.shortened(old, new, to: columns - 3)
        return .line("\(shortOld) → \(shortNew)")
    }

    enum Result {
        case line(String)
        /// Lines with a mark (`+`, `-` or a space) before the text.
        case below([(mark: Character, text: String)])
    }

    /// A single value, cut in the middle when it is too long.
    func fitted(_ text: String) -> String {
        guard shortens, PrintableText.width(text) > columns else { return text }
        return Self.window(Array(text.unicodeScalars), around: 0..<0, budget: columns)
    }

    /// The lines of a text; none for an absent one, nil for anything that is not text.
    private func textLines(_ value: Value?) -> [Substring]? {
        guard let value else { return [] }
        guard case .string(let text) = value else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // The usual line break at the end is not a line of its own.
        return lines.count > 1 && lines.last == "" ? lines.dropLast() : lines
    }

    /// The lines that differ, each stretch with one line of context.
    private func lineDiff(_ old: [Substring], _ new: [Substring]) -> [(mark: Character, text: String)] {
        let merged = LineDifference.merged(old, new)
        // A line is shown if it differs or stands beside one that does.
        let shown = merged.indices.map { index in
            merged[max(0, index - 1)...min(merged.count - 1, index + 1)].contains { $0.mark != " " }
        }
        var lines: [(mark: Character, text: String)] = []
        var index = 0
        while index < merged.count {
            let (mark, visible) = (merged[index].mark, shown[index])
            let end = (index..<merged.count).first { merged[$0].mark != mark || shown[$0] != visible } ?? merged.count
            let count = end - index
            if !visible, count > 1 {
                lines.append((" ", "… \(count.counted("line")) unchanged"))
            } else {
                let limit = lineLimit.map { count > $0 + 1 ? $0 : count } ?? count
                for line in merged[index..<(index + limit)] {
                    lines.append((mark, clip(PrintableText.escaped(String(line.text)))))
                }
                if limit < count { lines.append((mark, "… \((count - limit).counted("more line"))")) }
            }
            index = end
        }
        return lines
    }

    private func clip(_ text: String) -> String {
        shortens ? PrintableText.clipped(text, to: max(10, columns - 2)) : text
    }

    /// Both texts cut to `columns` together, so that what differs stays visible.
    static func shortened(_ old: String, _ new: String, to columns: Int) -> (String, String) {
        let (left, right) = (Array(old.unicodeScalars), Array(new.unicodeScalars))
        let shared = min(left.count, right.count)
        let head = (0..<shared).first { left[$0] != right[$0] } ?? shared
        let tail =
            (0..<(shared - head)).first { left[left.count - 1 - $0] != right[right.count - 1 - $0] } ?? shared - head
        // The shorter text leaves its unused columns to the longer one.
        let half = max(8, columns / 2)
        let (leftWidth, rightWidth) = (PrintableText.width(old), PrintableText.width(new))
        let leftBudget = leftWidth <= half ? leftWidth : max(half, columns - rightWidth)
        let rightBudget = rightWidth <= half ? rightWidth : max(half, columns - leftWidth)
        return (
            window(left, around: head..<(left.count - tail), budget: leftBudget),
            window(right, around: head..<(right.count - tail), budget: rightBudget)
        )
    }

    /// At most `budget` columns of `text`: its first few characters and a stretch from just before `part` on.
    private static func window(
        _ text: [Unicode.Scalar], around part: Range<Int>, budget: Int
    ) -> String {
        func columns(_ range: Range<Int>) -> Int { text[range].reduce(0) { $0 + PrintableText.width($1) } }
        func string(_ range: Range<Int>) -> String {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: text[range])
            return String(view)
        }
        guard columns(0..<text.count) > budget else { return string(0..<text.count) }
        let lead = budget >= 24 ? 4 : 2
        // Near the beginning: no gap before it is worth an ellipsis.
        let start = part.lowerBound <= lead + budget / 3 ? 0 : part.lowerBound - lead
        var prefix = ""
        if start > 0 { prefix = string(0..<min(lead, start)) + "…" }
        // One column for the ellipsis, the rest from the start of the stretch, keeping the closing quote.
        var room = budget - PrintableText.width(prefix) - 2
        var end = start
        while end < text.count, room >= PrintableText.width(text[end]) {
            room -= PrintableText.width(text[end])
            end += 1
        }
        if end + 2 >= text.count { return prefix + string(start..<text.count) }
        return prefix + string(start..<end) + "…" + string((text.count - 1)..<text.count)
    }
}
