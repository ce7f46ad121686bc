import OsirisDiagnostics
import OsirisModel

/// The schema of a mapping, and whether other keys are faults.
struct TargetSchema {
    var schema: Schema
    var isClosed: Bool
}

extension Checker {
    /// The keys of a target depend on its provider; of an unknown provider nothing is known.
    func refined(_ schema: Schema, _ node: Node, at base: String) -> TargetSchema {
        if base == "spec.defaults" { return TargetSchema(schema: ManifestSchema.defaults(kinds), isClosed: true) }
        guard base == "spec.targets" else { return TargetSchema(schema: schema, isClosed: true) }
        guard let provider = node[key: "provider"], case .scalar(let scalar) = provider.content else {
            return TargetSchema(schema: schema, isClosed: false)
        }
        // The provider's scalar is read again as a field, which reports its faults.
        var unreported: [Diagnostic] = []
        let text = reader.read(scalar, provider, &unreported).map(\.text)
        guard let text, let kind = kinds.first(where: { $0.provider == text }) else {
            return TargetSchema(schema: schema, isClosed: false)
        }
        return TargetSchema(schema: ManifestSchema.target(kind), isClosed: true)
    }

    /// The path for the reader: `` `spec.functions[0].name` ``.
    var shownPath: String {
        var text = ""
        for step in path {
            switch step {
            case .key(let key), .freeKey(let key): text += text.isEmpty ? key : "." + key
            case .index(let index): text += "[\(index)]"
            }
        }
        return text.isEmpty ? "the manifest" : "`\(text)`"
    }

    /// The path without indices and free keys: `spec.functions.name`.
    var schemaPath: String {
        var text = ""
        for case .key(let key) in path { text += text.isEmpty ? key : "." + key }
        return text
    }

    func wrongType(_ type: FieldType, found: String) -> String {
        "\(shownPath) must be \(type.described), found \(found)"
    }

    func shown(_ example: String?, _ type: FieldType) -> String? {
        guard let example, case .key(let key)? = path.last else { return nil }
        return "for example `\(key): \(example)`"
    }

    mutating func refuse(_ node: Node, _ code: DiagnosticCode, _ message: String, help: String?) -> Checked {
        var notes: [Diagnostic.Note] = []
        if let written = node.writtenAt {
            notes.append(.init("the value is written here", at: written.span(in: reader.sources)))
        }
        if refused.insert(Refusal(place: node.place, code: code)).inserted {
            diagnostics.append(
                Diagnostic(.error, code, message, at: node.place.span(in: reader.sources), notes: notes, help: help)
            )
        }
        return Checked(content: .invalid, place: node.place)
    }

    mutating func refuse(_ place: Place, _ code: DiagnosticCode, _ message: String, help: String?) {
        diagnostics.append(Diagnostic(.error, code, message, at: place.span(in: reader.sources), help: help))
    }

    mutating func missing(_ field: Field, in node: Node) {
        let example = field.example.map { "add `\(field.name): \($0)`" }
        refuse(headPlace(of: node), .missingKey, "\(shownPath) needs the key `\(field.name)`", help: example)
    }

    /// - Returns: the key that was meant, if there is a near one.
    mutating func unknown(_ entry: Node.Entry, in schema: Schema) -> String? {
        let fields = schema.fields.filter { $0.role == .argument }
        let help: String
        var meant: String?
        if let inner = fields.first(where: { $0.holds(entry.key) }) {
            help = "did you mean `\(inner.name).\(entry.key)`?"
        } else if let near = Suggestion.didYouMean(entry.key, among: fields.map(\.name)) {
            help = "did you mean `\(near)`?"
            meant = near
        } else {
            help = fields.isEmpty ? "no keys are known here" : "known keys: \(fields.map(\.name).ticked(limit: 16))"
        }
        let place = path.isEmpty ? "at the top of the manifest" : "in \(shownPath)"
        if refused.insert(Refusal(place: entry.keyPlace, code: .unknownKey)).inserted {
            refuse(entry.keyPlace, .unknownKey, "unknown key \(entry.key.ticked) \(place)", help: help)
        }
        return meant
    }

    /// Where to show that something is absent: the first key of a mapping, or an empty one as a whole.
    private func headPlace(of node: Node) -> Place {
        guard case .mapping(let entries) = node.content,
            let first = entries.first(where: { $0.keyPlace.isInside(node.place) })
        else { return node.place }
        return first.keyPlace
    }
}

extension Place {
    /// False for the keys a merge key brought in.
    fileprivate func isInside(_ other: Place) -> Bool {
        file == other.file && (other.line, other.column) <= (line, column)
            && (endLine, endColumn) <= (other.endLine, other.endColumn)
    }
}

extension Field {
    /// True if the key belongs one level deeper.
    fileprivate func holds(_ key: String) -> Bool {
        if case .object(let schema) = type { schema[key]?.role == .argument } else { false }
    }
}

extension Node {
    var described: String {
        switch content {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .scalar(let scalar): scalar.resolved.described
        case .invalid: "nothing"
        }
    }
}
