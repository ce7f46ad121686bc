import OsirisDiagnostics
import OsirisModel

extension Diagnostic {
    /// The message on one line, with the address before it unless it is named in it.
    func line(about address: ResourceAddress) -> String {
        PrintableText.escaped(message.contains(address.text) ? message : "`\(address)`: \(message)")
    }
}

/// A diagnostic without the source line, for where the source is not at hand.
public enum DiagnosticText {
    /// Severity, code and message; below them the place, notes and help. Ends with a line break.
    public static func render(_ diagnostic: Diagnostic, style: TextStyle) -> String {
        let head = "\(diagnostic.severity.rawValue)[\(diagnostic.code.rawValue)]: "
        let lines = PrintableText.wrapped(head + PrintableText.escaped(diagnostic.message), to: style.width)
        var text = style.paint(lines[0], diagnostic.severity == .error ? .boldRed : .yellow) + "\n"
        for line in lines.dropFirst() { text += line + "\n" }
        if let span = diagnostic.span { text += "  --> \(PrintableText.escaped(span.description))\n" }
        for note in diagnostic.notes {
            let place = note.span.map { " (\($0))" } ?? ""
            append("note: " + PrintableText.escaped(note.message + place), style, &text)
        }
        if let help = diagnostic.help { append("help: " + PrintableText.escaped(help), style, &text) }
        return text
    }

    private static func append(_ note: String, _ style: TextStyle, _ text: inout String) {
        for (index, line) in PrintableText.wrapped(note, to: style.width - 4).enumerated() {
            text += (index == 0 ? "  = " : "    ") + line + "\n"
        }
    }
}
