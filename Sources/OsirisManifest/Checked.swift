import OsirisDiagnostics
import OsirisModel

/// A value that went through the schema, with its place and those of its parts.
struct Checked {
    enum Content {
        case leaf(Value)
        case object([String: Checked])
        case list([Checked])
        /// Present, but reported as wrong.
        case invalid
    }

    var content: Content
    var place: Place
    /// The place of the key in front of it, in a mapping.
    var keyPlace: Place?
    /// Filled in from the schema: written nowhere.
    var isDefault = false

    subscript(key: String) -> Checked? { if case .object(let entries) = content { entries[key] } else { nil } }
    var entries: [String: Checked]? { if case .object(let entries) = content { entries } else { nil } }
    var items: [Checked] { if case .list(let items) = content { items } else { [] } }
    var isInvalid: Bool { if case .invalid = content { true } else { false } }

    /// True if this or a part of it was reported as wrong.
    var hasInvalidPart: Bool {
        switch content {
        case .invalid: true
        case .leaf: false
        case .object(let entries): entries.values.contains { $0.hasInvalidPart }
        case .list(let items): items.contains { $0.hasInvalidPart }
        }
    }

    /// Without the parts that are invalid.
    var value: Value {
        switch content {
        case .leaf(let value): value
        case .object(let entries): .map(entries.compactMapValues { $0.isInvalid ? nil : $0.value })
        case .list(let items): .list(items.filter { !$0.isInvalid }.map(\.value))
        case .invalid: .null
        }
    }

    /// The places of all parts that are written somewhere, down to `depth` levels.
    func spans(in sources: SourceSet, depth: Int = .max) -> SpanMap {
        var entries: [String: SourceSpan] = [:]
        collect(into: &entries, prefix: "", sources, depth)
        return SpanMap(whole: place.span(in: sources), entries: entries)
    }

    private func collect(into spans: inout [String: SourceSpan], prefix: String, _ sources: SourceSet, _ depth: Int) {
        if !prefix.isEmpty { spans[prefix] = place.span(in: sources) }
        guard depth > 0 else { return }
        let start = prefix.isEmpty ? "" : prefix + "."
        switch content {
        case .object(let entries):
            for (key, part) in entries where !part.isDefault {
                part.collect(into: &spans, prefix: start + key, sources, depth - 1)
            }
        case .list(let items):
            for (index, part) in items.enumerated() {
                part.collect(into: &spans, prefix: start + String(index), sources, depth - 1)
            }
        case .leaf, .invalid: break
        }
    }
}

extension Value {
    /// The kind of value with its article, for messages.
    var described: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "a whole number"
        case .double: "a number"
        case .string, .secret: "a string"
        case .list: "a list"
        case .map: "a mapping"
        case .unknown, .reference, .joined: "a value that is not known yet"
        }
    }
}
