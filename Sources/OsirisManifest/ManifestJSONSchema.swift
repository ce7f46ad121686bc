import OsirisDiagnostics
import OsirisModel

/// The manifest's schema for editors and other tools (JSON Schema draft 2020-12).
public enum ManifestJSONSchema {
    /// The same input always gives the same text.
    ///
    /// Structure, types, ranges and patterns are covered; what needs several values or files (duplicate names, unknown
    /// targets, missing folders) is not. Wherever a number, boolean, quantity or choice stands, an expression may stand too.
    ///
    /// - Parameter kinds: the known providers; a target is checked against the keys of its provider.
    public static func render(kinds: [TargetKind]) -> String {
        let kinds = kinds.sorted { $0.provider < $1.provider }
        let members: [(String, JSONText)] =
            [
                ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
                ("$id", .text("https://\(ManifestSchema.apiVersion)/cluster.schema.json")),
                ("title", .text("Osiris cluster manifest")),
                ("type", .text("object")),
                ("required", .texts(["kind"])),
                ("if", .object([("properties", .object([("kind", constant(ManifestSchema.overlayKind))]))])),
                ("then", .object(object(ManifestSchema.overlay, path: "overlay", kinds))),
                ("else", .object(object(ManifestSchema.document, path: "", kinds))),
                ("$defs", definitions),
            ]
        return JSONText.object(members).rendered() + "\n"
    }

    /// - Parameter requires: false where other parts of the manifest may give what is required.
    private static func object(
        _ schema: Schema, path: String, _ kinds: [TargetKind], requires: Bool = true
    ) -> [(String, JSONText)] {
        let fields = schema.fields.filter { $0.role == .argument }
        var members: [(String, JSONText)] = [("type", .text("object"))]
        let required = fields.filter(\.required).map(\.name)
        if requires, !required.isEmpty { members.append(("required", .texts(required))) }
        members.append(("properties", .object(fields.map { ($0.name, field($0, path: path, kinds)) })))
        members.append(("additionalProperties", .flag(false)))
        return members + (path == "spec" ? [needs(of: kinds)] : rules(at: path))
    }

    private static func field(_ field: Field, path: String, _ kinds: [TargetKind]) -> JSONText {
        let path = path.isEmpty ? field.name : "\(path).\(field.name)"
        var members: [(String, JSONText)] = [("description", .text(field.doc))]
        // A part of a cluster: what it changes decides whether it is right.
        if ["overlay.spec.patch", "overlay.spec.add"].contains(path) { members.append(("type", .text("object"))) }
        members += type(field.type, path: path, kinds)
        if let value = field.defaultValue.flatMap({ shown($0, field.type) }) { members.append(("default", value)) }
        if let example = field.example.flatMap(parsed) { members.append(("examples", .array([example]))) }
        return .object(members)
    }

    private static func type(_ type: FieldType, path: String, _ kinds: [TargetKind]) -> [(String, JSONText)] {
        switch type {
        case .string: [("type", .text("string"))]
        case .path: [("type", .text("string")), ("minLength", .number(1))]
        case .bool: orExpression(.object([("type", .text("boolean"))]))
        case .int(let range):
            orExpression(
                .object(
                    [("type", .text("integer")), ("minimum", .number(range.lowerBound))]
                        + (range.upperBound == .max ? [] : [("maximum", .number(range.upperBound))])))
        case .number(let range):
            orExpression(
                .object(
                    [("type", .text("number"))]
                        + (range.lowerBound.isFinite ? [("minimum", .number(range.lowerBound))] : [])
                        + (range.upperBound.isFinite ? [("maximum", .number(range.upperBound))] : [])))
        case .duration: [("$ref", .text("#/$defs/duration"))]
        case .size: [("$ref", .text("#/$defs/size"))]
        case .percentOrCount: [("$ref", .text("#/$defs/percentOrCount"))]
        case .name: [("$ref", .text("#/$defs/name"))]
        case .choice(let choices): orExpression(.object([("enum", .texts(choices))]))
        case .list(.object) where path == "spec.targets":
            orExpression(.object([("type", .text("array")), ("items", targets(kinds))]))
        case .list(let element):
            orExpression(
                .object([("type", .text("array")), ("items", .object(self.type(element, path: path, kinds)))]))
        case .map(.string):
            orExpression(
                .object([("type", .text("object")), ("additionalProperties", .object([("type", .texts(scalars))]))]))
        case .map(let element):
            orExpression(
                .object([
                    ("type", .text("object")), ("additionalProperties", .object(self.type(element, path: path, kinds))),
                ]))
        case .object where path == "spec.defaults": object(ManifestSchema.defaults(kinds), path: path, kinds)
        case .object(let schema): object(schema, path: path, kinds)
        case .any: []
        }
    }

    /// What a provider's targets need must stand in each of them, unless there are defaults that may have it.
    private static func needs(of kinds: [TargetKind]) -> (String, JSONText) {
        let conditions = kinds.compactMap { kind -> JSONText? in
            let required = kind.schema.fields.filter { $0.required && $0.role == .argument }.map(\.name)
            guard !required.isEmpty else { return nil }
            let isKind = JSONText.object([("provider", constant(kind.provider))])
            return .object([
                ("if", .object([("properties", isKind), ("required", .texts(["provider"]))])),
                ("then", .object([("required", .texts(required))])),
            ])
        }
        let items = JSONText.object([("items", .object(conditions.isEmpty ? [] : [("allOf", .array(conditions))]))])
        return (
            "anyOf",
            .array([
                .object([("required", .texts(["defaults"]))]),
                .object([("properties", .object([("targets", items)]))]),
            ])
        )
    }

    /// Each provider's keys apply only to its own targets.
    private static func targets(_ kinds: [TargetKind]) -> JSONText {
        let common = ManifestSchema.target(nil).fields
        let conditions = kinds.map { kind in
            JSONText.object([
                ("if", .object([("properties", .object([("provider", .object([("const", .text(kind.provider))]))]))])),
                (
                    "then",
                    .object(
                        [("description", .text(kind.doc))]
                            + object(ManifestSchema.target(kind), path: "spec.targets", kinds, requires: false))
                ),
            ])
        }
        return .object([
            ("type", .text("object")), ("required", .texts(common.filter(\.required).map(\.name))),
            (
                "properties",
                .object([
                    ("name", .object([("$ref", .text("#/$defs/name"))])),
                    ("provider", .object(orExpression(.object([("enum", .texts(kinds.map(\.provider)))])))),
                ])
            ), ("allOf", .array(conditions)),
        ])
    }

    private static func constant(_ text: String) -> JSONText { .object([("const", .text(text))]) }

    private static func orExpression(_ schema: JSONText) -> [(String, JSONText)] {
        [("anyOf", .array([schema, .object([("$ref", .text("#/$defs/expression"))])]))]
    }

    private static let scalars = ["string", "number", "boolean"]
}
