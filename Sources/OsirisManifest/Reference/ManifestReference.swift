import OsirisDiagnostics
import OsirisModel

/// What is said about every key of a manifest, from the schemas alone: for `osiris explain` and the reference page.
public struct ManifestReference: Sendable {
    let kinds: [TargetKind]

    /// - Parameter kinds: the known providers.
    public init(kinds: [TargetKind]) { self.kinds = kinds.sorted { $0.provider < $1.provider } }

    /// What stands at one path, with its keys.
    struct Topic {
        var path: String
        var field: Field
        var keys: [Field]
    }

    /// The documents, as if they were keys.
    var documents: [Field] {
        [
            Field(
                "cluster", .object(ManifestSchema.document),
                doc: "A document with `kind: Cluster`: what one cluster consists of.", example: nil),
            Field(
                "overlay", .object(ManifestSchema.overlay),
                doc: "A document with `kind: Overlay`: what is different in one environment."),
        ]
    }

    /// The keys below a field. Below the targets and their defaults the providers stand as keys.
    func keys(of field: Field, at path: String) -> [Field] {
        if path == "cluster.spec.defaults" { return ManifestSchema.defaults(kinds).fields }
        if path == "cluster.spec.targets" {
            let common = ManifestSchema.target(nil).fields
            return common
                + kinds.map { Field($0.provider, .object($0.schema), doc: "`provider: \($0.provider)`: \($0.doc)") }
        }
        return Self.schema(of: field.type)?.fields.filter { $0.role == .argument } ?? []
    }

    /// The topic of a path such as `cluster.spec.targets.ssh.hosts`; `cluster.` may be left out, indices are passed over.
    /// - Throws: `Diagnostic` with a suggestion if there is none.
    func topic(_ text: String) throws(Diagnostic) -> Topic {
        var steps = text.replacing(#/\[[^\]]*\]/#, with: "").split(separator: ".").map(String.init)
        if let first = steps.first, !documents.contains(where: { $0.name == first }),
            ManifestSchema.document[first] != nil
        {
            steps.insert("cluster", at: 0)
        }
        var path = ""
        var keys = documents
        var found: Field?
        for step in steps {
            guard let next = keys.first(where: { $0.name == step }) else {
                // A free key, such as a variable's name, leads to what stands below it.
                if let field = found, case .map(let element) = field.type, Self.schema(of: element) != nil { continue }
                throw unknown(step, in: path, among: keys)
            }
            path += path.isEmpty ? step : "." + step
            keys = self.keys(of: next, at: path)
            found = next
        }
        guard let found else { throw unknown(text, in: "", among: documents) }
        return Topic(path: path, field: found, keys: keys)
    }

    private func unknown(_ step: String, in path: String, among keys: [Field]) -> Diagnostic {
        let near = Suggestion.didYouMean(step, among: keys.map(\.name))
        let whole = near.map { path.isEmpty ? $0 : path + "." + $0 }
        return Diagnostic(
            .error, .usage,
            path.isEmpty ? "there is no document \(step.ticked)" : "`\(path)` has no key \(step.ticked)",
            help: whole.map { "did you mean `osiris explain \($0)`?" }
                ?? (keys.isEmpty
                    ? "it has no keys" : "there are: \(keys.map(\.name).ticked(limit: 32)); codes look like `OSR0101`"))
    }

    /// The mapping in a type, through lists and free keys.
    static func schema(of type: FieldType) -> Schema? {
        switch type {
        case .object(let schema): schema
        case .list(let element), .map(let element): schema(of: element)
        default: nil
        }
    }
}

extension ManifestReference {
    /// `int, 1-65535, default 8080`.
    static func facts(_ field: Field) -> String {
        var facts = [field.type.word]
        if field.secret { facts.append("secret") }
        if field.required { facts.append("required") }
        if let value = shownDefault(field) { facts.append("default \(value)") }
        return facts.joined(separator: ", ")
    }

    /// As the user would write it; nil if there is none worth a word.
    static func shownDefault(_ field: Field) -> String? {
        switch (field.type, field.defaultValue) {
        case (_, nil): nil
        case (.duration, .int(let number)?): Quantities.format(milliseconds: number)
        case (.size, .int(let number)?): Quantities.format(bytes: number)
        case (_, .string(let text)?): text.isEmpty ? "\"\"" : text
        case (_, let value?): String(decoding: value.plainJSON(), as: UTF8.self)
        }
    }
}

extension FieldType {
    /// The type in a word or two, without an article.
    var word: String {
        switch self {
        case .string: "string"
        case .bool: "bool"
        case .int(let range):
            range.upperBound == .max ? "int from \(range.lowerBound)" : "int \(range.lowerBound)-\(range.upperBound)"
        case .number(let range): "number \(range.lowerBound)-\(range.upperBound)"
        case .duration: "duration"
        case .size: "size"
        case .percentOrCount: "percentage or count"
        case .name: "name"
        case .choice(let choices): choices.joined(separator: " | ")
        case .path(.file): "path of a file"
        case .path(.folder): "path of a folder"
        case .path(.anything): "path"
        case .list(let element): "list of \(element.plural)"
        case .map(let element): "mapping of \(element.plural)"
        case .object: "mapping"
        case .any: "any value"
        }
    }

    private var plural: String {
        switch self {
        case .object, .map: "mappings"
        case .list: "lists"
        case .any: "values"
        case .choice(let choices): choices.joined(separator: " | ")
        default: word + "s"
        }
    }
}
