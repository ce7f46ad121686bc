extension Field {
    /// The one form of all spellings of a value; see `FieldType.canonical`.
    public func canonical(_ value: Value) -> Value {
        let value = type.canonical(value)
        guard unordered, case .list(let items) = value else { return value }
        return .list(items.map { ($0.jsonText, $0) }.sorted { $0.0 < $1.0 }.map(\.1))
    }
}

extension FieldType {
    /// The one form of all spellings of a value of this type, for comparing: services answer `10000ms` for `10s`, `"8080"`
    /// for 8080, defaults for what was left out, and fields nobody asked for.
    ///
    /// What is not of the type stays as it is, as do secrets and what is not known yet. The form is not for showing.
    public func canonical(_ value: Value) -> Value {
        switch (self, value) {
        case (.duration, .string(let text)): Quantities.milliseconds(text).map(Value.int) ?? value
        case (.size, .string(let text)): Quantities.bytes(text).map(Value.int) ?? value
        case (.int, .string(let text)), (.percentOrCount, .string(let text)): Self.whole(text) ?? value
        case (.int, .double(let number)), (.duration, .double(let number)), (.size, .double(let number)),
            (.percentOrCount, .double(let number)):
            Int(exactly: number).map(Value.int) ?? value
        case (.number, .int(let number)): .double(Double(number))
        case (.number, .string(let text)): Double(text).map(Value.double) ?? value
        case (.bool, .string("true")): true
        case (.bool, .string("false")): false
        case (.list(let type), .list(let items)): .list(items.map(type.canonical))
        case (.map(let type), .map(let entries)): .map(entries.mapValues(type.canonical))
        case (.object(let schema), .map(let entries)): .map(schema.canonical(entries))
        default: value
        }
    }

    /// Only the usual way to write a number: `08` may be a name.
    private static func whole(_ text: String) -> Value? {
        Int(text).flatMap { String($0) == text ? .int($0) : nil }
    }

    /// The type of what stands under a key, for going into mappings; nil for what has no keys.
    public func child(_ key: String) -> Field? {
        switch self {
        case .object(let schema): schema[key]
        case .map(let type): Field(key, type, doc: "")
        default: nil
        }
    }
}

extension Schema {
    /// The fields in their one form, defaults filled in, fields that are not of the schema left out.
    public func canonical(_ attributes: [String: Value]) -> [String: Value] {
        var result: [String: Value] = [:]
        for field in fields {
            if let value = attributes[field.name] ?? field.defaultValue { result[field.name] = field.canonical(value) }
        }
        return result
    }
}
