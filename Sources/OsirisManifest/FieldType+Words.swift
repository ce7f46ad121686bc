import Foundation
import OsirisModel

extension FieldType {
    /// What a value of this type is, with its article, for messages.
    var described: String {
        switch self {
        case .string: "a string"
        case .bool: "`true` or `false`"
        case .int: "a whole number"
        case .number: "a number"
        case .duration: "a duration"
        case .size: "a size"
        case .percentOrCount: "a percentage or a count"
        case .name: "a name"
        case .choice(let choices): choices.count == 1 ? choices.ticked() : "one of \(choices.ticked())"
        case .path: "a path"
        case .list: "a list"
        case .map, .object: "a mapping"
        case .any: "a value"
        }
    }

    /// `between 1 and 65535`.
    var range: String {
        switch self {
        case .int(let range):
            range.upperBound == .max
                ? "at least \(range.lowerBound)" : "between \(range.lowerBound) and \(range.upperBound)"
        case .number(let range):
            range.upperBound == .infinity
                ? "at least \(Self.short(range.lowerBound))"
                : "between \(Self.short(range.lowerBound)) and \(Self.short(range.upperBound))"
        default: described
        }
    }

    /// Types whose text is taken as it stands, whatever it looks like.
    var isTextual: Bool {
        switch self {
        case .string, .name, .choice, .path, .any, .duration: true
        default: false
        }
    }

    /// The type a variable must have to be the whole value.
    var variableType: VariableType? {
        switch self {
        case .bool: .bool
        case .int: .int
        case .number: .number
        case .string, .name, .choice, .path, .duration, .size: .string
        default: nil
        }
    }

    private static func short(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
    }
}

/// Next steps for values that are nearly right.
enum QuantityHelp {
    static func help(for text: String, _ type: FieldType) -> String? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        if !digits.isEmpty, Int(digits) == nil { return "the number is too large" }
        if let whole = whole(text, type) { return "write `\(whole)`" }
        switch type {
        case .duration:
            let known = [
                "": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m",
                "minute": "m", "minutes": "m", "hour": "h", "hours": "h", "msec": "ms", "millis": "ms", "s": "s",
                "m": "m", "h": "h", "ms": "ms",
            ]
            if !digits.isEmpty, let fitting = known[unit] { return "write `\(digits)\(fitting)`" }
            return "write a duration such as `250ms`, `10s`, `5m` or `1h30m`"
        case .size:
            let known = [
                "kb": ("k", "Ki"), "mb": ("M", "Mi"), "gb": ("G", "Gi"), "tb": ("T", "Ti"), "m": ("M", "Mi"),
                "g": ("G", "Gi"), "t": ("T", "Ti"), "k": ("k", "Ki"),
            ]
            if !digits.isEmpty, let (decimal, binary) = known[unit] {
                return "write `\(digits)\(decimal)` (powers of 1000) or `\(digits)\(binary)` (powers of 1024)"
            }
            let binary = [
                "kib": "Ki", "mib": "Mi", "gib": "Gi", "tib": "Ti", "ki": "Ki", "mi": "Mi", "gi": "Gi", "ti": "Ti",
            ]
            if !digits.isEmpty, let fitting = binary[unit] { return "write `\(digits)\(fitting)`" }
            return "write a size such as `128Mi`, `20Gi`, `2G` or `1000` (bytes)"
        case .percentOrCount: return "write a percentage such as `25%`, 0% to 100%, or a count such as `2`"
        default: return nil
        }
    }

    /// `1.5s` as `1s500ms`, `1.5Gi` as `1536Mi`.
    private static func whole(_ text: String, _ type: FieldType) -> String? {
        let parts = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(parts.count)
        guard parts.contains("."), let number = Double(parts), number < 1e6 else { return nil }
        switch type {
        case .duration:
            guard let one = Quantities.milliseconds("1\(unit)"), number * Double(one) >= 1 else { return nil }
            return Quantities.format(milliseconds: Int(number * Double(one)))
        case .size:
            guard let one = Quantities.bytes("1\(unit)"), number * Double(one) >= 1 else { return nil }
            return Quantities.format(bytes: Int(number * Double(one)))
        default: return nil
        }
    }

    /// The nearest valid name, or nil if nothing is left of the text.
    static func label(from text: String) -> String? {
        var result = ""
        for character in text.folding(options: [.diacriticInsensitive, .caseInsensitive], locale: nil) {
            let fits = character.isASCII && (character.isLetter || character.isNumber)
            if fits { result.append(character) } else if result.last != "-", !result.isEmpty { result.append("-") }
        }
        result = String(result.prefix(63))
        while result.last == "-" { result.removeLast() }
        return Quantities.isLabel(result) ? result : nil
    }
}
