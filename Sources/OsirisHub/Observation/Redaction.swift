import OsirisModel

/// Takes a function's secrets out of what it printed or raised, before that goes to a log or a caller. Plain.
///
/// A guard against accidents: it finds a value as it is and as a language prints it in quotes, not one that the function
/// encoded or cut up. Values of fewer than 4 bytes are not looked for, as they would turn up everywhere.
struct Redaction: Sendable {
    /// What stands in place of a secret.
    static let mark = "(secret)"

    private let needles: [[UInt8]]

    /// - Parameter secrets: the clear values. Of one with line breaks each line counts as well.
    init(secrets: [String] = []) {
        var needles: Set<[UInt8]> = []
        for secret in secrets {
            for text in [secret[...]] + secret.split(whereSeparator: \.isNewline) {
                for form in Self.forms(String(text)) { needles.insert(Array(form.utf8)) }
            }
        }
        // Longer ones first, so a value that contains another goes as a whole.
        self.needles = needles.filter { $0.count >= 4 }.sorted { $0.count > $1.count }
    }

    /// The text as it is, as JSON with and without `\u` escapes, and as Python's repr in either quotes.
    private static func forms(_ text: String) -> [String] {
        let json = String(Value.string(text).jsonText.dropFirst().dropLast())
        let ascii = json.utf16.map { unit in
            unit < 128 ? String(UnicodeScalar(UInt8(unit))) : "\\u" + hex(Int(unit), digits: 4)
        }.joined()
        let repr = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\\": "\\\\"
            case "\n": "\\n"
            case "\r": "\\r"
            case "\t": "\\t"
            case _ where scalar.value < 32 || scalar.value == 127: "\\x" + hex(Int(scalar.value), digits: 2)
            default: String(scalar)
            }
        }.joined()
        let escaped = repr.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "\\'")
        return [text, json, ascii, repr, escaped]
    }

    private static func hex(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }

    func apply(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for needle in needles {
            for range in bytes.ranges(of: needle).reversed() { bytes.replaceSubrange(range, with: Self.mark.utf8) }
        }
        // What was killed while it printed may have been cut in the middle of one.
        if let start = needles.compactMap({ Self.start(of: $0, atTheEndOf: bytes) }).min() {
            bytes.replaceSubrange(start..., with: Self.mark.utf8)
        }
        return bytes
    }

    /// Where the longest beginning of a needle starts that the text ends with; nil if there is none of 4 bytes.
    private static func start(of needle: [UInt8], atTheEndOf bytes: [UInt8]) -> Int? {
        let most = min(needle.count - 1, bytes.count)
        guard most >= 4 else { return nil }
        return (4...most).last { bytes.suffix($0).elementsEqual(needle.prefix($0)) }.map { bytes.count - $0 }
    }

    func apply(_ text: String) -> String {
        needles.isEmpty ? text : String(decoding: apply(Array(text.utf8)), as: UTF8.self)
    }
}
