import OsirisDiagnostics

/// Collects the entries of one mapping: refuses duplicate keys, expands merge keys (https://yaml.org/type/merge.html).
struct MappingBuilder {
    private var entries: [Node.Entry] = []
    /// Key to position in `entries`; kept once the mapping is too large to be searched.
    private var index: [String: Int] = [:]
    private static let searchLimit = 12
    private var merged: [Node.Entry] = []
    private var mergeKeyPlace: Place?
    /// Nodes that merge keys brought in.
    private(set) var mergedWeight = 0

    /// Adds one entry and returns what is wrong with it.
    mutating func add(_ key: Node, _ value: Node, in file: SourceFile) -> [Diagnostic] {
        guard case .scalar(let scalar) = key.content, scalar.resolved == .string else {
            return [refusedKey(key, in: file)]
        }
        if scalar.text == "<<", scalar.style == .plain { return merge(value, key: key.place, in: file) }
        if let first = position(of: scalar.text) {
            return [duplicate(scalar.text, at: key.place, first: entries[first].keyPlace, in: file)]
        }
        append(Node.Entry(key: scalar.text, keyPlace: key.place, value: value))
        return []
    }

    private func position(of key: String) -> Int? {
        entries.count <= Self.searchLimit ? entries.firstIndex { $0.key == key } : index[key]
    }

    private mutating func append(_ entry: Node.Entry) {
        entries.append(entry)
        if entries.count == Self.searchLimit + 1 {
            for (position, entry) in entries.enumerated() { index[entry.key] = position }
        } else if entries.count > Self.searchLimit {
            index[entry.key] = entries.count - 1
        }
    }

    /// Own entries first, then merged ones that no own entry overrides.
    mutating func finished() -> [Node.Entry] {
        for entry in merged where position(of: entry.key) == nil { append(entry) }
        return entries
    }

    private mutating func merge(_ value: Node, key place: Place, in file: SourceFile) -> [Diagnostic] {
        if let mergeKeyPlace {
            var diagnostic = duplicate("<<", at: place, first: mergeKeyPlace, in: file)
            diagnostic.help = "merge several mappings with one list: `<<: [*a, *b]`"
            return [diagnostic]
        }
        mergeKeyPlace = place
        let sources: [Node] = if case .sequence(let items) = value.content { items } else { [value] }
        var diagnostics: [Diagnostic] = []
        for source in sources {
            switch source.content {
            case .mapping(let more):
                mergedWeight += source.weight
                merged += more
            case .invalid: continue
            default:
                diagnostics.append(
                    Diagnostic(
                        .error, .wrongType, "a merge key takes a mapping or a list of mappings",
                        at: source.place.span(in: file.name), help: "write `<<: *anchor`"))
            }
        }
        return diagnostics
    }

    private func duplicate(_ key: String, at place: Place, first: Place, in file: SourceFile) -> Diagnostic {
        Diagnostic(
            .error, .duplicateKey, "the key `\(key)` is defined twice", at: place.span(in: file.name),
            notes: [.init("first defined here", at: first.span(in: file.name))],
            help: "remove one of the two")
    }

    private func refusedKey(_ key: Node, in file: SourceFile) -> Diagnostic {
        var found = "not a text"
        var help: String?
        switch key.content {
        case .scalar(let scalar):
            found = scalar.resolved.described
            if !scalar.text.isEmpty { help = "put it in quotes: `\"\(scalar.text)\"`" }
        case .mapping: (found, help) = ("a mapping", "quote a text that starts with `{`")
        case .sequence: (found, help) = ("a list", "quote a text that starts with `[`")
        case .invalid: break
        }
        return Diagnostic(
            .error, .nonStringKey, "a key must be a string, found \(found)", at: key.place.span(in: file.name),
            help: help)
    }
}

extension CoreSchema.Scalar {
    /// The kind of value with its article, for messages.
    var described: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .hugeInt: "a whole number"
        case .float: "a number"
        case .string: "a string"
        }
    }
}
