import OsirisDiagnostics

/// A place in a file: one-based, columns in Unicode scalars, end exclusive. Small, for many nodes.
struct Place: Hashable, Sendable {
    var line: Int32
    var column: Int32
    var endLine: Int32
    var endColumn: Int32
    /// Which file of the run's `SourceSet`.
    var file: Int32 = 0

    /// From the start of this place to the end of `last`.
    func through(_ last: Place) -> Place {
        Place(line: line, column: column, endLine: last.endLine, endColumn: last.endColumn, file: file)
    }

    func span(in file: String) -> SourceSpan {
        SourceSpan(
            file: file, start: SourcePosition(line: Int(line), column: Int(column)),
            end: SourcePosition(line: Int(endLine), column: Int(endColumn)))
    }
}

/// A node of a YAML document: what was written and where, aliases and merge keys already expanded.
struct Node: Sendable {
    enum Content: Sendable {
        case scalar(Scalar)
        case sequence([Node])
        case mapping([Entry])
        /// Already reported (an undefined alias, say); later stages pass over it.
        case invalid
    }

    struct Scalar: Sendable {
        enum Style: Sendable { case plain, quoted, block }

        var text: String
        var style: Style
        /// Set by a tag such as `!!str`; else the core schema decides.
        var kind: CoreSchema.Kind?
    }

    struct Entry: Sendable {
        var key: String
        var keyPlace: Place
        var value: Node
    }

    var content: Content
    /// Where the node is used: for an alias, the place of the alias.
    var place: Place
    /// Where the node is written, if it is used through an alias.
    var writtenAt: Place?
    /// Nodes in this tree, aliases counted in full.
    var weight: Int = 1

    /// The last entry is the only one: duplicate keys are refused by the reader.
    subscript(key key: String) -> Node? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }
}

/// One document of a file.
struct YAMLDocument: Sendable {
    var file: SourceFile
    var root: Node
}
