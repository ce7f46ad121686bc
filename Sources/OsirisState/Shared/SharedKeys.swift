import Foundation

/// The keys of a shared state, relative to the store's prefix. Numbers have 20 digits, so that they sort.
enum SharedKeys {
    static let meta = "meta"
    static let lock = "lock"
    static let log = "log/"
    static let checkpoints = "checkpoint/"
    static let runs = "runs/"

    static func segment(_ position: Int) -> String { log + digits(position) }
    static func checkpoint(_ position: Int) -> String { checkpoints + digits(position) }
    static func run(_ id: Int) -> String { runs + digits(id) }

    /// The number in a key such as `log/00000000000000000007` or `runs/00000000000000000007/whole`.
    static func number(_ key: String) -> Int? {
        let parts = key.split(separator: "/")
        return parts.count > 1 ? Int(parts[1]) : nil
    }

    private static func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 20 - text.count)) + text
    }
}
