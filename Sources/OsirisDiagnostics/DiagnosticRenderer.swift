/// Diagnostics as text for people and as JSON for programs.
public enum DiagnosticRenderer {
    /// All diagnostics in display order, each with its source line and the place underlined, and a closing count.
    ///
    /// - Parameters:
    ///   - sources: file name (as in the spans) to text; a file that is not here is shown without its line.
    ///   - color: adds ANSI colours.
    ///   - count: adds the closing count.
    /// - Returns: lines that each end with a line feed; empty for no diagnostics.
    public static func text(
        _ diagnostics: some Sequence<Diagnostic>, sources: [String: String] = [:], color: Bool = false,
        count: Bool = true
    ) -> String {
        let ordered = diagnostics.sortedForDisplay()
        guard !ordered.isEmpty else { return "" }
        var page = Page(excerpts: SourceExcerpts(sources: sources), paint: Paint(on: color))
        for diagnostic in ordered { page.add(diagnostic) }
        return count ? page.text + page.paint.bold(summary(of: ordered)) + "\n" : page.text
    }

    /// `3 errors, 1 warning`; an absent kind is left out.
    public static func summary(of diagnostics: some Sequence<Diagnostic>) -> String {
        var (errors, warnings) = (0, 0)
        for diagnostic in diagnostics {
            if diagnostic.severity == .error { errors += 1 } else { warnings += 1 }
        }
        func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
        if errors == 0 { return counted(warnings, "warning") }
        return counted(errors, "error") + (warnings == 0 ? "" : ", " + counted(warnings, "warning"))
    }
}

/// The text being built, diagnostic by diagnostic.
private struct Page {
    var text = ""
    var excerpts: SourceExcerpts
    let paint: Paint

    mutating func add(_ diagnostic: Diagnostic) {
        let gutter =
            ([diagnostic.span] + diagnostic.notes.map(\.span)).compactMap { $0 }
            .map { String($0.start.line).count }.max() ?? 1
        let pad = String(repeating: " ", count: gutter)
        let label = "\(diagnostic.severity.rawValue)[\(diagnostic.code.rawValue)]"
        let message = DisplayText.sanitized(diagnostic.message)
        text += paint.severity(diagnostic.severity, label) + paint.bold(": \(message)") + "\n"
        if let span = diagnostic.span {
            place(span, gutter: gutter, mark: "^") { [paint] in paint.severity(diagnostic.severity, $0) }
        }
        if let address = diagnostic.address { trailer(pad, "address", address) }
        for note in diagnostic.notes {
            guard let span = note.span else {
                trailer(pad, "note", note.message)
                continue
            }
            text += paint.bold("note: " + DisplayText.sanitized(note.message)) + "\n"
            place(span, gutter: gutter, mark: "-") { [paint] in paint.frame($0) }
        }
        if let help = diagnostic.help { trailer(pad, "help", help) }
        text += "\n"
    }

    private mutating func place(_ span: SourceSpan, gutter: Int, mark: Character, _ color: (String) -> String) {
        let pad = String(repeating: " ", count: gutter)
        text += pad + paint.frame("--> ") + DisplayText.sanitized(span.description) + "\n"
        guard let excerpt = excerpts.excerpt(of: span, mark: mark) else { return }
        let number = String(span.start.line)
        let shift = String(repeating: " ", count: gutter - number.count)
        text += pad + paint.frame(" |") + "\n"
        text += shift + paint.frame(number + " |") + (excerpt.line.isEmpty ? "" : " " + excerpt.line) + "\n"
        text += pad + paint.frame(" | ") + excerpt.indent + color(excerpt.marks) + "\n"
    }

    private mutating func trailer(_ pad: String, _ label: String, _ message: String) {
        let indent = "\n" + pad + String(repeating: " ", count: label.count + 5)
        let lines = DisplayText.sanitized(message).split(separator: "\n", omittingEmptySubsequences: false)
        text += pad + paint.frame(" = ") + paint.bold(label) + ": " + lines.joined(separator: indent) + "\n"
    }
}

/// ANSI colours, or none.
private struct Paint {
    let on: Bool

    func severity(_ severity: Diagnostic.Severity, _ text: String) -> String {
        wrap(text, severity == .error ? "1;31" : "1;33")
    }
    func bold(_ text: String) -> String { wrap(text, "1") }
    func frame(_ text: String) -> String { wrap(text, "1;34") }

    private func wrap(_ text: String, _ code: String) -> String { on ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}
