import OsirisDiagnostics
import OsirisModel

/// JSON with members in a fixed order, for deterministic output.
indirect enum JSONText {
    case literal(String)
    case array([JSONText])
    case object([(String, JSONText)])

    static func text(_ text: String) -> JSONText { .literal(text.jsonQuoted) }
    static func number(_ number: Int) -> JSONText { .literal(String(number)) }
    static func flag(_ flag: Bool) -> JSONText { .literal(flag ? "true" : "false") }
    static func texts(_ texts: [String]) -> JSONText { .array(texts.map(JSONText.text)) }
    static func number(_ number: Double) -> JSONText {
        .literal(number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number))
    }

    /// Nil for what JSON cannot say.
    init?(_ value: Value) {
        switch value {
        case .null: self = .literal("null")
        case .bool(let flag): self = .flag(flag)
        case .int(let number): self = .number(number)
        case .double(let number) where number.isFinite: self = .number(number)
        case .string(let text): self = .text(text)
        case .list(let items): self = .array(items.compactMap { JSONText($0) })
        case .map(let entries):
            self = .object(
                entries.sorted { $0.key < $1.key }.compactMap { key, value in JSONText(value).map { (key, $0) } })
        case .double, .unknown, .secret, .reference, .joined: return nil
        }
    }

    /// Indented by two spaces; arrays of literals stand on one line.
    func rendered(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .literal(let text): return text
        case .array(let items):
            if items.isEmpty { return "[]" }
            let parts = items.map { $0.rendered(indent: inner) }
            if !parts.contains(where: { $0.contains("\n") }) { return "[" + parts.joined(separator: ", ") + "]" }
            return "[\n" + parts.map { inner + $0 }.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            let lines = members.map { "\(inner)\($0.0.jsonQuoted): \($0.1.rendered(indent: inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        }
    }
}
