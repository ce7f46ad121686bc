import OsirisModel

/// The type of a manifest variable.
enum VariableType: String, CaseIterable {
    case string, int, bool, number, duration, size, list, map

    /// What a variable of this type holds, with the article.
    var described: String {
        switch self {
        case .string: "a string"
        case .int: "a whole number"
        case .bool: "`true` or `false`"
        case .number: "a number"
        case .duration: "a duration such as `10s`"
        case .size: "a size such as `128Mi`"
        case .list: "a list"
        case .map: "a mapping"
        }
    }

    /// A value written in YAML, or nil if it is of another type.
    func value(of node: Node) -> Variable.Value? {
        switch (self, node.content) {
        case (.list, .sequence), (.map, .mapping): return Variable.Value(scalar: .string, text: "", node: node)
        case (_, .scalar(let scalar)): return value(of: scalar.resolved, scalar.text)
        default: return nil
        }
    }

    /// A scalar written in YAML, or nil if it is of another type.
    func value(of scalar: CoreSchema.Scalar, _ text: String) -> Variable.Value? {
        switch (self, scalar) {
        case (.string, .string), (.int, .int), (.bool, .bool), (.number, .float):
            return Variable.Value(scalar: scalar, text: text)
        case (.number, .int(let number)): return Variable.Value(scalar: .float(Double(number)), text: text)
        case (.duration, .string): return Quantities.milliseconds(text).map { _ in .init(scalar: scalar, text: text) }
        case (.size, .string), (.size, .int):
            return Quantities.bytes(text).map { _ in .init(scalar: scalar, text: text) }
        default: return nil
        }
    }

    /// A text from outside of YAML: whatever it looks like it may be a string.
    func value(of text: String) -> Variable.Value? {
        switch self {
        case .string: Variable.Value(scalar: .string, text: text)
        case .list, .map: nil
        default: value(of: CoreSchema.resolve(text), text)
        }
    }
}

/// A variable with its value.
struct Variable {
    struct Value {
        var scalar: CoreSchema.Scalar
        var text: String
        /// Of a list or a map; the scalar says nothing then.
        var node: Node?
    }

    var isSecret: Bool
    /// Nil if it has none; that is reported where it is declared.
    var value: Value?
}

extension Variable.Value {
    /// The same text for the same value.
    var canonical: String { node.flatMap(ManifestJSONSchema.json)?.rendered() ?? text }
}
