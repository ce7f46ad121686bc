import OsirisModel

/// A value on one line, for people: strings quoted, secrets redacted, nothing that a terminal would obey.
enum ValueText {
    static let secret = "(secret)"
    static let changedSecret = "(secret, changed)"
    static let unknown = "(known after apply)"
    static let absent = "(none)"

    /// The whole value, however long. Nil is an absent attribute.
    static func inline(_ value: Value?) -> String {
        guard let value else { return absent }
        var text = ""
        append(value, to: &text)
        return text
    }

    private static func append(_ value: Value, to text: inout String) {
        switch value {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .int(let number): text += String(number)
        case .double(let number): text += "\(number)"
        case .string(let string): text += quoted(string)
        case .unknown, .reference, .joined: text += unknown
        case .secret: text += secret
        case .list(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += ", " }
                append(item, to: &text)
            }
            text += "]"
        case .map(let entries):
            text += "{"
            for (index, entry) in entries.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { text += ", " }
                text += PrintableText.escaped(entry.key) + ": "
                append(entry.value, to: &text)
            }
            text += "}"
        }
    }

    static func quoted(_ string: String) -> String {
        var body = string
        if body.utf8.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
            body = body.reduce(into: "") { result, character in
                if character == "\"" || character == "\\" { result += "\\" }
                result.append(character)
            }
        }
        return "\"" + PrintableText.escaped(body) + "\""
    }
}
