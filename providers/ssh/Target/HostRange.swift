/// Names of hosts with ranges in brackets: `r1-n[01:20].dc1`, `[1:9:2]` for every second one, `[a:c]` for letters, several
/// in one name. Leading zeros are kept.
enum HostRange {
    /// Why a pattern means nothing, in one sentence without a full stop.
    struct Fault: Error, Hashable {
        var reason: String
    }

    /// More than any rack has; a typing error such as `[1:99999999]` must not use up the memory.
    static let mostHosts = 10_000

    /// The names a pattern stands for, the first range counting slowest.
    static func names(_ pattern: String) throws(Fault) -> [String] {
        var names = [""]
        var rest = pattern[...]
        while let open = rest.firstIndex(of: "[") {
            let before = rest[..<open]
            guard let close = rest[open...].firstIndex(of: "]") else {
                throw Fault(reason: "`\(pattern)` has a `[` without a `]`")
            }
            let inside = rest[rest.index(after: open)..<close]
            rest = rest[rest.index(after: close)...]
            let items = try items(inside, of: pattern)
            guard names.count * items.count <= mostHosts else {
                throw Fault(reason: "`\(pattern)` means more than \(mostHosts) hosts")
            }
            names = names.flatMap { name in items.map { name + before + $0 } }
        }
        if rest.contains("]") { throw Fault(reason: "`\(pattern)` has a `]` without a `[`") }
        return names.map { $0 + rest }
    }

    private static func items(_ inside: Substring, of pattern: String) throws(Fault) -> [String] {
        let parts = inside.split(separator: ":", omittingEmptySubsequences: false)
        // An IPv6 address stands in brackets too.
        if parts.count > 3 || (parts.count > 1 && parts.contains("")) { return ["[\(inside)]"] }
        guard parts.count > 1 else {
            throw Fault(reason: "`[\(inside)]` in `\(pattern)` is no range such as [01:20]")
        }
        guard let step = parts.count == 3 ? number(parts[2]) : 1, step > 0 else {
            throw Fault(reason: "the step of `[\(inside)]` in `\(pattern)` is not a number from 1")
        }
        if let first = letter(parts[0]), let last = letter(parts[1]) {
            guard first <= last else { throw backwards(inside, pattern) }
            return stride(from: first, through: last, by: step).map { String(UnicodeScalar(UInt8($0))) }
        }
        guard let first = number(parts[0]), let last = number(parts[1]) else {
            throw Fault(reason: "`[\(inside)]` in `\(pattern)` is no range such as [01:20]")
        }
        guard first <= last else { throw backwards(inside, pattern) }
        guard (last - first) / step < mostHosts else {
            throw Fault(reason: "`\(pattern)` means more than \(mostHosts) hosts")
        }
        // `[1:10]` has no leading zeros to keep, `[01:10]` has.
        let width = parts[0].hasPrefix("0") ? parts[0].count : 1
        return stride(from: first, through: last, by: step).map { number in
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
    }

    private static func backwards(_ inside: Substring, _ pattern: String) -> Fault {
        Fault(reason: "the range `[\(inside)]` in `\(pattern)` goes backwards")
    }

    private static func number(_ text: Substring) -> Int? {
        text.allSatisfy { ("0"..."9").contains($0) } && text.count < 10 ? Int(text) : nil
    }

    private static func letter(_ text: Substring) -> Int? {
        guard text.count == 1, let byte = text.utf8.first, (0x61...0x7A).contains(byte) else { return nil }
        return Int(byte)
    }
}
