import OsirisDiagnostics
import OsirisModel

/// Walks a node tree along a schema: one walk gives the values, their places and every fault.
struct Checker {
    /// What happens to secrets in the field at hand.
    enum SecretUse {
        case refused
        /// A secret value stays one, a plain value stays plain.
        case accepted
        /// Every value becomes a secret.
        case required
    }

    enum Step {
        case key(String)
        case freeKey(String)
        case index(Int)
    }

    let reader: ScalarReader
    let files: FileProbe
    let kinds: [TargetKind]
    let secretDigest: @Sendable (String) -> String
    /// Parts of the document that are checked on their own: keys by the path of their object.
    var skipped: [String: Set<String>] = [:]
    var path: [Step] = []
    var diagnostics: [Diagnostic] = []
    /// Every output of a target that is used, in the order of the document.
    var outputs: [TargetOutput.Use] = []
    /// What is refused already: through merge keys one node is met several times.
    var refused: Set<Refusal> = []

    struct Refusal: Hashable {
        var place: Place
        var code: DiagnosticCode
    }

    /// Checks `node` against `type`.
    mutating func check(_ node: Node, _ type: FieldType, example: String? = nil, secrets: SecretUse = .refused)
        -> Checked
    {
        switch (type, node.content) {
        case (_, .invalid): return Checked(content: .invalid, place: node.place)
        case (.any, _): return any(node, secrets)
        case (.object(let schema), .mapping(let entries)):
            let base = schemaPath
            return object(node, entries, refined(schema, node, at: base), at: base, secrets)
        case (.map(let element), .mapping(let entries)): return map(node, entries, element, secrets)
        case (.list(let element), .sequence(let items)):
            var checked: [Checked] = []
            for (index, item) in items.enumerated() {
                path.append(.index(index))
                checked.append(check(item, element, secrets: secrets))
                path.removeLast()
            }
            return Checked(content: .list(checked), place: node.place)
        case (_, .scalar(let scalar)):
            guard let reading = reader.read(scalar, node, &diagnostics) else {
                return Checked(content: .invalid, place: node.place)
            }
            if let structure = reading.structure(at: node) {
                return check(structure, type, example: example, secrets: secrets)
            }
            return check(reading, node, type, example, secrets)
        case (.list(.object), .mapping(let entries)):
            return refuse(
                node, .wrongType, wrongType(type, found: node.described),
                help: entries.first.map { "write a list: `- name: \($0.key)`, and what belongs to it below" })
        default:
            return refuse(node, .wrongType, wrongType(type, found: node.described), help: shown(example, type))
        }
    }

    /// - Parameter base: the schema path of the object, built once for all its fields.
    private mutating func object(
        _ node: Node, _ entries: [Node.Entry], _ target: TargetSchema, at base: String, _ secrets: SecretUse
    ) -> Checked {
        let schema = target.schema
        let skipped = self.skipped[base]
        let secretCapable = ManifestRules.secretCapable[base]
        var fields: [String: Checked] = [:]
        var misspelt: Set<String> = []
        for entry in entries {
            guard let field = schema[entry.key], field.role == .argument else {
                if target.isClosed, let meant = unknown(entry, in: schema) { misspelt.insert(meant) }
                continue
            }
            if skipped?.contains(entry.key) == true { continue }
            path.append(.key(entry.key))
            defer { path.removeLast() }
            let isCapable = secretCapable?.contains(entry.key) == true
            let use: SecretUse = field.secret ? .required : isCapable ? .accepted : secrets
            var value = check(entry.value, field.type, example: field.example, secrets: use)
            value.keyPlace = entry.keyPlace
            fields[entry.key] = value
        }
        for field in schema.fields where fields[field.name] == nil && field.role == .argument {
            if skipped?.contains(field.name) == true { continue }
            if field.required || misspelt.contains(field.name) {
                if !misspelt.contains(field.name) { missing(field, in: node) }
                // Present for later stages, so that they do not report it again.
                fields[field.name] = Checked(content: .invalid, place: node.place)
            } else if let value = field.defaultValue {
                fields[field.name] = filled(value, field.type, at: node.place)
            }
        }
        return Checked(content: .object(fields), place: node.place)
    }

    private mutating func map(_ node: Node, _ entries: [Node.Entry], _ element: FieldType, _ secrets: SecretUse)
        -> Checked
    {
        var values: [String: Checked] = [:]
        for entry in entries {
            path.append(.freeKey(entry.key))
            if Expressions.occur(in: entry.key) {
                refuse(
                    entry.keyPlace, .invalidExpression, "a key cannot hold an expression", help: "put it in the value")
            }
            var value: Checked
            if case .string = element, let text = plainText(entry.value, secrets) {
                value = text
            } else {
                value = check(entry.value, element, secrets: secrets)
            }
            value.keyPlace = entry.keyPlace
            values[entry.key] = value
            path.removeLast()
        }
        return Checked(content: .object(values), place: node.place)
    }

    /// In maps of strings, numbers and booleans are taken as they are written: `{RETRIES: 3}`.
    private mutating func plainText(_ node: Node, _ secrets: SecretUse) -> Checked? {
        guard case .scalar(let scalar) = node.content else { return nil }
        var unreported: [Diagnostic] = []
        guard let reading = reader.read(scalar, node, &unreported) else { return nil }
        switch reading.scalar {
        case .bool, .int, .float, .hugeInt: return reading.outputs.isEmpty ? string(reading, node, secrets) : nil
        case .null, .string: return nil
        }
    }

    /// The default of a field; of an object, with the defaults of its own fields.
    private func filled(_ value: Value, _ type: FieldType, at place: Place) -> Checked {
        guard case .object(let schema) = type, case .map(let given) = value else {
            return Checked(content: .leaf(value), place: place, isDefault: true)
        }
        var fields: [String: Checked] = [:]
        for field in schema.fields {
            if let value = given[field.name] ?? field.defaultValue {
                fields[field.name] = filled(value, field.type, at: place)
            }
        }
        return Checked(content: .object(fields), place: place, isDefault: true)
    }

    private mutating func any(_ node: Node, _ secrets: SecretUse) -> Checked {
        switch node.content {
        case .invalid: return Checked(content: .invalid, place: node.place)
        case .mapping(let entries): return map(node, entries, .any, secrets)
        case .sequence: return check(node, .list(of: .any), secrets: secrets)
        case .scalar(let scalar):
            guard let reading = reader.read(scalar, node, &diagnostics) else {
                return Checked(content: .invalid, place: node.place)
            }
            if let structure = reading.structure(at: node) { return any(structure, secrets) }
            return check(reading, node, .any, nil, secrets)
        }
    }
}
