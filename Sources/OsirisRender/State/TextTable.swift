/// Rows under headings, in columns as wide as needed.
enum TextTable {
    /// Headings and rows, with a line break at the end of each.
    ///
    /// The last column is shortened when a row is wider than the style; the ones before it are what is copied.
    /// - Parameter rows: each as long as `headings`; a shorter one leaves columns empty.
    static func render(_ headings: [String], _ rows: [[String]], style: TextStyle) -> String {
        let rows = rows.map { $0.map(PrintableText.escaped) }
        var widths = headings.map { PrintableText.width($0) }
        for row in rows {
            for (column, cell) in row.enumerated() where column < widths.count {
                widths[column] = max(widths[column], PrintableText.width(cell))
            }
        }
        func line(_ cells: [String]) -> String {
            var text = ""
            var used = 0
            for (column, cell) in cells.enumerated() where column < widths.count {
                if column == widths.count - 1 {
                    text += PrintableText.clipped(cell, to: max(12, style.width - used))
                } else {
                    text += PrintableText.padded(cell, to: widths[column]) + "  "
                    used += widths[column] + 2
                }
            }
            while text.last == " " { text.removeLast() }
            return text
        }
        return style.paint(line(headings), .bold) + "\n" + rows.map { line($0) + "\n" }.joined()
    }
}
