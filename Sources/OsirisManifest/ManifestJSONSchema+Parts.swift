import OsirisModel

extension ManifestJSONSchema {
    /// What `$ref` points to.
    static var definitions: JSONText {
        let expression = JSONText.object([("$ref", .text("#/$defs/expression"))])
        func pattern(_ pattern: String) -> JSONText {
            .object([("type", .text("string")), ("pattern", .text(pattern))])
        }
        let count = JSONText.object([("type", .text("integer")), ("minimum", .number(0))])
        return .object([
            (
                "expression",
                .object([
                    ("description", .text("A text with an expression such as `${var.NAME}` in it.")),
                    ("type", .text("string")), ("pattern", .text("\\$\\{[^}]+\\}")),
                ])
            ),
            (
                "name",
                .object([
                    ("description", .text("A DNS label.")),
                    ("anyOf", .array([pattern("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), expression])),
                ])
            ),
            (
                "duration",
                .object([
                    ("description", .text("A duration such as `250ms`, `10s`, `5m` or `1h30m`.")),
                    ("anyOf", .array([pattern("^(?=.)([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"), expression])),
                ])
            ),
            (
                "size",
                .object([
                    ("description", .text("Bytes, or a size such as `128Mi`, `20Gi` or `2G`.")),
                    ("anyOf", .array([count, pattern("^[0-9]+([kMGT]|[KMGT]i)?$"), expression])),
                ])
            ),
            (
                "percentOrCount",
                .object([
                    ("description", .text("A percentage such as `25%`, or a count.")),
                    ("anyOf", .array([count, pattern("^(100|[0-9]{1,2})%$"), expression])),
                ])
            ),
        ])
    }

    /// Conditions between the keys of one mapping.
    static func rules(at path: String) -> [(String, JSONText)] {
        switch path {
        case "spec.hub": [("not", .object([("required", .texts(["image", "archive"]))]))]
        case "spec.functions":
            [
                (
                    "allOf",
                    .array([
                        rule(runtime: .python3, required: ["source", "handler"], excluded: "command"),
                        rule(runtime: .node, required: ["source", "handler"], excluded: "command"),
                        rule(runtime: .command, required: ["command"], excluded: "handler"),
                    ])
                )
            ]
        case "spec.functions.placement": [("minProperties", .number(1))]
        default: []
        }
    }

    private static func rule(runtime: FunctionSpec.Runtime, required: [String], excluded: String) -> JSONText {
        let isRuntime = JSONText.object([("runtime", .object([("const", .text(runtime.rawValue))]))])
        return .object([
            ("if", .object([("properties", isRuntime), ("required", .texts(["runtime"]))])),
            (
                "then",
                .object([
                    ("required", .texts(required)), ("properties", .object([(excluded, .literal("false"))])),
                ])
            ),
        ])
    }

    /// A default as the user would write it.
    static func shown(_ value: Value, _ type: FieldType) -> JSONText? {
        switch (type, value) {
        case (.duration, .int(let number)): .text(Quantities.format(milliseconds: number))
        case (.size, .int(let number)): .text(Quantities.format(bytes: number))
        default: JSONText(value)
        }
    }

    /// An example, which is YAML, as JSON.
    static func parsed(_ example: String) -> JSONText? {
        guard let file = try? SourceFile(name: "example", bytes: Array(example.utf8)),
            let root = YAMLReader.read(file).documents.first?.root
        else { return nil }
        return json(root)
    }

    static func json(_ node: Node) -> JSONText? {
        switch node.content {
        case .mapping(let entries): .object(entries.compactMap { entry in json(entry.value).map { (entry.key, $0) } })
        case .sequence(let items): .array(items.compactMap(json))
        case .invalid: nil
        case .scalar(let scalar):
            switch scalar.resolved {
            case .null: .literal("null")
            case .bool(let flag): .flag(flag)
            case .int(let number): .number(number)
            case .float(let number) where number.isFinite: .number(number)
            case .string, .hugeInt, .float: .text(scalar.text)
            }
        }
    }
}
