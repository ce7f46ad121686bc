import OsirisDiagnostics
import OsirisModel

/// Fills in what `spec.defaults` says once for all targets of a provider. Every value keeps its place.
struct TargetDefaults {
    /// For the targets' `provider`, which may be an expression.
    let reader: ScalarReader

    func applied(to root: Node) -> Node {
        guard let spec = root[key: "spec"], let index = spec.entries.firstIndex(where: { $0.key == "defaults" }),
            let targets = spec[key: "targets"].map(expanded), targets.isSequence
        else { return root }
        let defaults = spec.entries[index].value
        let filled = targets.items.map { target -> Node in
            guard case .scalar(let scalar)? = target[key: "provider"]?.content else { return target }
            // Faults of the scalar are reported when the target is checked.
            var unreported: [Diagnostic] = []
            guard let provider = reader.read(scalar, target, &unreported)?.text, let common = defaults[key: provider]
            else { return target }
            return Self.filled(target, from: common)
        }
        var entries = spec.entries
        // Checked first, so that its faults are told where they are and not again for each target.
        entries.insert(entries.remove(at: index), at: 0)
        let result = spec.with(.mapping(entries)).setting(
            "targets", to: targets.with(.sequence(filled)), keyPlace: Self.keyPlace("targets", in: spec))
        return root.setting("spec", to: result, keyPlace: Self.keyPlace("spec", in: root))
    }

    /// The list itself where it is a variable's.
    private func expanded(_ node: Node) -> Node {
        guard case .scalar(let scalar) = node.content else { return node }
        var unreported: [Diagnostic] = []
        return reader.read(scalar, node, &unreported)?.structure(at: node) ?? node
    }

    /// Mappings by key; of all else the target's own value counts.
    private static func filled(_ own: Node, from common: Node) -> Node {
        guard own.isMapping else { return own }
        var result = own
        for entry in common.entries {
            let value = own[key: entry.key].map { filled($0, from: entry.value) } ?? entry.value
            let place = own.entries.first { $0.key == entry.key }?.keyPlace ?? entry.keyPlace
            result = result.setting(entry.key, to: value, keyPlace: place)
        }
        return result
    }

    private static func keyPlace(_ key: String, in node: Node) -> Place {
        node.entries.first { $0.key == key }?.keyPlace ?? node.place
    }
}

extension ManifestSchema {
    /// `spec.defaults`: the keys of each provider's targets, all optional.
    public static func defaults(_ kinds: [TargetKind]) -> Schema {
        Schema(
            kinds.sorted { $0.provider < $1.provider }.map { kind in
                Field(
                    kind.provider, .object(optional(Schema([labels] + kind.schema.fields))),
                    doc: "What all targets with `provider: \(kind.provider)` have, unless they say otherwise.")
            })
    }

    /// The same keys, none of them required and none with a default.
    private static func optional(_ schema: Schema) -> Schema {
        Schema(
            schema.fields.filter { $0.role == .argument }.map { field in
                var field = field
                (field.required, field.defaultValue) = (false, nil)
                if case .object(let inner) = field.type { field.type = .object(optional(inner)) }
                return field
            })
    }
}
