/// Takes a function's secrets out of what it printed or raised, before that goes to a log or a caller. Plain.
///
/// A guard against accidents: it finds a value as it is, not one that the function encoded or cut up. Values of
/// fewer than 4 bytes are not looked for, as they would turn up everywhere.
struct Redaction: Sendable {
    /// What stands in place of a secret.
    static let mark = "(secret)"

    private let needles: [[UInt8]]

    /// - Parameter secrets: the clear values. Of one with line breaks each line counts as well.
    init(secrets: [String] = []) {
        var needles: Set<[UInt8]> = []
        for secret in secrets {
            needles.insert(Array(secret.utf8))
            for line in secret.utf8.split(separator: 0x0A) { needles.insert(Array(line)) }
        }
        // Longer ones first, so a value that contains another goes as a whole.
        self.needles = needles.filter { $0.count >= 4 }.sorted { $0.count > $1.count }
    }

    func apply(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for needle in needles {
            for range in bytes.ranges(of: needle).reversed() { bytes.replaceSubrange(range, with: Self.mark.utf8) }
        }
        return bytes
    }

    func apply(_ text: String) -> String {
        needles.isEmpty ? text : String(decoding: apply(Array(text.utf8)), as: UTF8.self)
    }
}
