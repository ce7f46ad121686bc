/// Parsing and formatting of the manifest's quantities. All pure; nil means "not such a quantity".
public enum Quantities {
    /// Milliseconds of `250ms`, `10s`, `5m`, `1h30m`: whole numbers with units in falling order, each unit once.
    public static func milliseconds(_ text: String) -> Int? {
        var rest = Substring(text)
        var total = 0
        var units = durationUnits[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty, let count = Int(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            guard let unit = units.firstIndex(where: { $0.name == name }) else { return nil }
            rest = rest.dropFirst(name.count)
            let (part, tooLarge) = count.multipliedReportingOverflow(by: units[unit].milliseconds)
            let (sum, sumTooLarge) = total.addingReportingOverflow(part)
            guard !tooLarge, !sumTooLarge else { return nil }
            total = sum
            units = units[(unit + 1)...]
        }
        return total
    }

    /// Bytes of `1000`, `2G` (powers of 1000: k, M, G, T), `128Mi` (powers of 1024: Ki, Mi, Gi, Ti).
    public static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int(digits) else { return nil }
        let suffix = text.dropFirst(digits.count)
        if suffix.isEmpty { return count }
        guard let unit = sizeUnits.first(where: { $0.name == suffix }) else { return nil }
        let (product, tooLarge) = count.multipliedReportingOverflow(by: unit.bytes)
        return tooLarge ? nil : product
    }

    /// The percentage of `25%`, 0-100.
    public static func percent(_ text: String) -> Int? {
        guard text.last == "%", text.first?.isNumber == true, let number = Int(text.dropLast()) else { return nil }
        return (0...100).contains(number) ? number : nil
    }

    /// True for a DNS label (RFC 1123): lower-case letters, digits and inner hyphens, 1-63 of them.
    public static func isLabel(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...63).contains(bytes.count), bytes.first != hyphen, bytes.last != hyphen else { return false }
        return bytes.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == hyphen }
    }

    /// The shortest exact text that `milliseconds(_:)` reads back; negative numbers have a leading `-`.
    public static func format(milliseconds: Int) -> String {
        if milliseconds == 0 { return "0s" }
        var rest = milliseconds.magnitude
        var text = milliseconds < 0 ? "-" : ""
        for unit in durationUnits {
            let (count, left) = rest.quotientAndRemainder(dividingBy: UInt(unit.milliseconds))
            if count > 0 { text += "\(count)\(unit.name)" }
            rest = left
        }
        return text
    }

    /// The shortest exact text, binary before decimal when equal: `128Mi`, `2G`, `1001`.
    public static func format(bytes: Int) -> String {
        guard bytes != 0 else { return "0" }
        let exact = sizeUnits.filter { bytes % $0.bytes == 0 }.map { "\(bytes / $0.bytes)\($0.name)" }
        return (exact + [String(bytes)]).min { $0.count < $1.count } ?? String(bytes)
    }

    private static let hyphen = UInt8(ascii: "-")
    private static let durationUnits: [(name: String, milliseconds: Int)] = [
        ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    // Binary first and large first: the order in which `format(bytes:)` tries them.
    private static let sizeUnits: [(name: String, bytes: Int)] = [
        ("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10),
        ("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("k", 1000),
    ]
}
