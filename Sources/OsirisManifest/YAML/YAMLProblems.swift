import OsirisDiagnostics

extension YAMLProblem {
    /// libyaml's complaint in words a manifest's author can act on.
    func diagnostic(in file: SourceFile) -> Diagnostic {
        let (message, help) = wording(in: file)
        if problem == "found unexpected end of stream", let contextPlace {
            // Where the text starts says more than where the file ends.
            return Diagnostic(.error, .yamlSyntax, message, at: contextPlace.span(in: file.name), help: help)
        }
        var notes: [Diagnostic.Note] = []
        if character(in: file) != "\t", let context, let contextPlace, contextPlace != place {
            notes.append(.init(Self.contexts[context] ?? context, at: contextPlace.span(in: file.name)))
        }
        return Diagnostic(.error, .yamlSyntax, message, at: place.span(in: file.name), notes: notes, help: help)
    }

    private static let contexts = [
        "while parsing a flow sequence": "the list starts here",
        "while parsing a flow mapping": "the mapping starts here",
        "while parsing a block mapping": "the mapping starts here",
        "while parsing a block collection": "the list starts here",
        "while scanning a quoted scalar": "the text starts here",
        "while parsing a quoted scalar": "the text starts here",
        "while scanning an alias": "the alias starts here",
        "while scanning an anchor": "the anchor starts here",
        "while scanning a simple key": "the key starts here",
        "while scanning a block scalar": "the text starts here",
    ]

    private func character(in file: SourceFile) -> Unicode.Scalar? { file.character(at: place) }

    /// True if nothing but white space stands in the line.
    private func isBlank(in file: SourceFile) -> Bool {
        let line = Place(line: place.line, column: 1, endLine: place.line + 1, endColumn: 1)
        return file.bytes(of: line).allSatisfy { [0x09, 0x0A, 0x0D, 0x20].contains($0) }
    }

    /// Why a `:` may stand in the wrong place: a second one in the line, or a first key that YAML took for text.
    private func colonHelp(in file: SourceFile) -> String {
        func text(_ line: Int32, upTo column: Int32) -> String {
            let stretch = Place(line: line, column: 1, endLine: line, endColumn: column)
            return String(decoding: file.bytes(of: stretch).prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
        }
        if text(place.line, upTo: place.column).contains(": ") { return "put the value in quotes: it holds `: `" }
        let before = place.line > 1 ? text(place.line - 1, upTo: 1000) : ""
        if let key = before.firstMatch(of: #/^[ \-]*(\w+):(\w[^:]*)$/#) {
            return "write `\(key.1): \(key.2)` in the line before, with a space after the colon"
        }
        return "the line before lacks its `:`, or this line is indented too far"
    }

    private func wording(in file: SourceFile) -> (String, String?) {
        let character = character(in: file)
        if character == "\t", problem.contains("cannot start any token") || problem.contains("tab") {
            return ("a tab cannot indent YAML", isBlank(in: file) ? "remove the tab" : "indent with spaces")
        }
        switch problem {
        case "found character that cannot start any token":
            let shown = character.map { "`\($0)`" } ?? "this character"
            return ("a value cannot start with \(shown)", "put the value in quotes")
        case "mapping values are not allowed in this context":
            return ("a `:` is not allowed here", colonHelp(in: file))
        case "did not find expected key", "did not find expected '-' indicator":
            return (
                problem.hasSuffix("key") ? "expected a key here" : "expected a list item here",
                "check the indentation: entries of one mapping or list start in the same column"
            )
        case "could not find expected ':'":
            return ("expected `:` after the key", "write `key: value`, with a space after the colon")
        case "did not find expected ',' or ']'": return ("expected `,` or `]` in this list", "close the list with `]`")
        case "did not find expected ',' or '}'":
            return ("expected `,` or `}` in this mapping", "close the mapping with `}`")
        case "found unexpected end of stream": return ("this quoted text is not closed", "add the closing quote")
        case "found unknown escape character":
            return ("unknown escape in a double-quoted text", "write `\\\\` for a backslash, or use single quotes")
        case "block sequence entries are not allowed in this context":
            return ("a list item is not allowed here", "put the `-` on a line of its own, below the key")
        case "found undefined tag handle": return ("undefined tag handle", "remove the tag")
        case "did not find expected <document start>":
            return ("expected the end of the document", "start another document with `---`")
        case "did not find expected node content":
            return ("expected a value here", character == "," ? "remove the second comma" : "write a value, or `null`")
        case "did not find expected alphabetic or numeric character":
            return ("a value cannot start with `*` or `&` here", "put the value in quotes")
        case "found incompatible YAML document":
            return ("this YAML version is not supported", "remove the line; manifests are YAML 1.2")
        case "did not find expected comment or line break":
            return ("text is not allowed here", "start the text on the next line, indented, or put it in quotes")
        case "did not find expected node content while parsing a flow node":
            return ("expected a value here", "close the list or mapping")
        default: return (problem, nil)
        }
    }
}
