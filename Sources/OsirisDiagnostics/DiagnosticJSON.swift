extension DiagnosticRenderer {
    /// One diagnostic as one JSON object on one line. Keys without a value are left out; `end` is exclusive.
    public static func json(_ diagnostic: Diagnostic) -> String {
        var members = [
            ("severity", diagnostic.severity.rawValue.jsonQuoted),
            ("code", diagnostic.code.rawValue.jsonQuoted),
            ("message", quoted(diagnostic.message)),
        ]
        members += place(diagnostic.span)
        if let help = diagnostic.help { members.append(("help", quoted(help))) }
        if let address = diagnostic.address { members.append(("address", quoted(address))) }
        if !diagnostic.notes.isEmpty {
            let notes = diagnostic.notes.map { object([("message", quoted($0.message))] + place($0.span)) }
            members.append(("notes", "[" + notes.joined(separator: ",") + "]"))
        }
        return object(members)
    }

    private static func place(_ span: SourceSpan?) -> [(String, String)] {
        guard let span else { return [] }
        return [
            ("file", span.file.jsonQuoted),
            ("line", String(span.start.line)), ("column", String(span.start.column)),
            ("endLine", String(span.end.line)), ("endColumn", String(span.end.column)),
        ]
    }

    private static func quoted(_ text: String) -> String { DisplayText.sanitized(text).jsonQuoted }

    private static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { $0.0.jsonQuoted + ":" + $0.1 }.joined(separator: ",") + "}"
    }
}
