import OsirisDiagnostics
import OsirisModel

extension ManifestReference {
    /// What `osiris explain PATH` prints.
    /// - Throws: `Diagnostic` with a suggestion if there is nothing at the path.
    public func text(_ path: String) throws(Diagnostic) -> String {
        let topic = try topic(path)
        var text = "\(topic.path) (\(Self.facts(topic.field)))\n\n\(topic.field.doc)\n"
        if let example = topic.field.example { text += "\nExample: `\(topic.field.name): \(example)`\n" }
        if !topic.keys.isEmpty {
            text += "\nKeys:\n"
            for key in topic.keys { text += "  \(key.name) (\(Self.facts(key)))\n      \(key.doc)\n" }
            text += "\nMore: osiris explain \(topic.path).\(topic.keys[0].name)\n"
        }
        return text
    }

    /// The same topic for programs.
    /// - Throws: as `text`.
    public func json(_ path: String) throws(Diagnostic) -> Value {
        let topic = try topic(path)
        func fields(_ field: Field) -> [String: Value] {
            var entries: [String: Value] = [
                "name": .string(field.name), "type": .string(field.type.word), "required": .bool(field.required),
                "secret": .bool(field.secret), "doc": .string(field.doc),
            ]
            entries["default"] = Self.shownDefault(field).map(Value.string)
            entries["example"] = field.example.map(Value.string)
            return entries
        }
        var entries = fields(topic.field)
        entries["path"] = .string(topic.path)
        entries["keys"] = .list(topic.keys.map { .map(fields($0)) })
        return .map(entries)
    }

    /// The whole reference as a page.
    public var markdown: String {
        var page = """
            # Manifest reference

            Every key, from the schemas that check manifests: `osiris schema --format markdown` writes this page, a test compares
            it. `osiris explain PATH` shows one key. What belongs together is told in [manifest](manifest.md).

            """
        for document in documents {
            page += "\n## kind: \(document.name == "cluster" ? ManifestSchema.kind : ManifestSchema.overlayKind)\n\n"
            page += document.doc + "\n"
            for key in keys(of: document, at: document.name) {
                guard key.name == "spec" else { continue }
                let others = keys(of: document, at: document.name).filter { $0.name != "spec" }
                page += "\n" + Self.table(others.flatMap { rows($0, prefix: "", at: document.name) })
                let parts = keys(of: key, at: document.name + ".spec")
                let plain = parts.filter { Self.schema(of: $0.type) == nil }
                if !plain.isEmpty {
                    page +=
                        "\n### spec\n\n"
                        + Self.table(plain.flatMap { rows($0, prefix: "", at: document.name + ".spec") })
                }
                for part in parts where Self.schema(of: part.type) != nil {
                    page += section(part, at: document.name + ".spec." + part.name)
                }
            }
        }
        return page
    }

    private func section(_ part: Field, at path: String) -> String {
        var text = "\n### spec.\(part.name)\n\n\(part.doc) \(part.type.word.capitalizedFirst).\n"
        if path == "cluster.spec.defaults" {
            return text + "\nThe keys are those of [the providers' targets](#spectargets), none of them required.\n"
        }
        let keys = keys(of: part, at: path)
        let providers = path == "cluster.spec.targets" ? kinds.map(\.provider) : []
        let own = keys.filter { !providers.contains($0.name) }
        text += "\n" + Self.table(own.flatMap { rows($0, prefix: "", at: path) })
        for key in keys where providers.contains(key.name) {
            let inner = path + "." + key.name
            text += "\n#### provider: \(key.name)\n\n\(key.doc)\n\n"
            text += Self.table(self.keys(of: key, at: inner).flatMap { rows($0, prefix: "", at: inner) })
        }
        return text
    }

    /// A field's row, and those of the fields in it.
    private func rows(_ field: Field, prefix: String, at path: String) -> [[String]] {
        let name = prefix + field.name
        let inner = keys(of: field, at: path + "." + field.name)
        var row = [
            "`\(name)`", field.type.word,
            field.required ? "required" : Self.shownDefault(field).map { "`\($0)`" } ?? "",
            (field.secret ? "Secret. " : "") + field.doc, field.example.map { "`\($0)`" } ?? "",
        ]
        row = row.map { $0.replacing("|", with: "\\|").replacing("\n", with: " ") }
        let mark =
            switch field.type {
            case .list: "[]."
            case .map: ".NAME."
            default: "."
            }
        return [row] + inner.flatMap { rows($0, prefix: name + mark, at: path + "." + field.name) }
    }

    private static func table(_ rows: [[String]]) -> String {
        let head = [["key", "type", "default", "meaning", "example"], Array(repeating: "---", count: 5)]
        return (head + rows).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
            .replacing("| --- |", with: "|---|").replacing(" --- |", with: "---|")
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
