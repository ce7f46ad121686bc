import OsirisDiagnostics

extension YAMLProblem {
    /// libyaml's complaint in words a manifest's author can act on.
    func diagnostic(in file: SourceFile) -> Diagnostic {
        let character = file.character(at: place)
        let (message, help) = wording(at: character)
        var notes: [Diagnostic.Note] = []
        if let context, let contextPlace, contextPlace != place {
            notes.append(.init(context, at: contextPlace.span(in: file.name)))
        }
        return Diagnostic(.error, .yamlSyntax, message, at: place.span(in: file.name), notes: notes, help: help)
    }

    private func wording(at character: Unicode.Scalar?) -> (String, String?) {
        if character == "\t", problem.contains("cannot start any token") || problem.contains("tab") {
            return ("a tab cannot indent YAML", "indent with spaces")
        }
        switch problem {
        case "found character that cannot start any token":
            let shown = character.map { "`\($0)`" } ?? "this character"
            return ("a value cannot start with \(shown)", "put the value in quotes")
        case "mapping values are not allowed in this context":
            return (
                "a `:` is not allowed here",
                "quote a value that holds `: `, or check the indentation of this line and the one before it"
            )
        case "did not find expected key", "did not find expected '-' indicator":
            return (
                problem.hasSuffix("key") ? "expected a key here" : "expected a list item here",
                "check the indentation: entries of one mapping or list start in the same column"
            )
        case "could not find expected ':'":
            return ("expected `:` after the key", "write `key: value`, with a space after the colon")
        case "did not find expected ',' or ']'": return ("expected `,` or `]` in this list", nil)
        case "did not find expected ',' or '}'": return ("expected `,` or `}` in this mapping", nil)
        case "found unexpected end of stream": return ("a quoted text is not closed", "add the closing quote")
        case "found unknown escape character":
            return ("unknown escape in a double-quoted text", "write `\\\\` for a backslash, or use single quotes")
        case "block sequence entries are not allowed in this context":
            return ("a list item is not allowed here", "put the `-` on a line of its own, below the key")
        case "found undefined tag handle": return ("undefined tag handle", "remove the tag")
        case "did not find expected <document start>":
            return ("expected the end of the document", "start another document with `---`")
        default: return (problem, nil)
        }
    }
}
