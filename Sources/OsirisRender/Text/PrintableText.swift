/// Makes foreign text harmless and measures it: names, values and messages come from manifests and remote machines.
enum PrintableText {
    /// `text` with every control, format and line-breaking character written as an escape, so that it cannot move the
    /// cursor, change colours or reorder what stands beside it.
    static func escaped(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                if isPrintable(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
                }
            }
        }
        return result
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        // Joins emoji and letters of several scripts; harmless, and splitting them would garble names.
        if scalar == "\u{200D}" || scalar == "\u{200C}" { return true }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: return false
        default: return true
        }
    }

    /// Columns a terminal uses for `text`.
    static func width(_ text: some StringProtocol) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    /// Columns of one scalar: 0 for marks that sit on the one before, 2 for East Asian wide ones and emoji.
    static func width(_ scalar: Unicode.Scalar) -> Int {
        let value = scalar.value
        if value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }

    /// `text` padded with spaces to `columns`.
    static func padded(_ text: String, to columns: Int) -> String {
        text + String(repeating: " ", count: max(0, columns - width(text)))
    }

    /// The longest beginning of `text` that fits, with `…` where something was cut.
    static func clipped(_ text: String, to columns: Int) -> String {
        if width(text) <= columns { return text }
        var (result, used) = (String.UnicodeScalarView(), 0)
        for scalar in text.unicodeScalars {
            used += width(scalar)
            if used > columns - 1 { break }
            result.append(scalar)
        }
        return String(result) + "…"
    }

    /// Breaks `text` at spaces into lines of at most `columns`; a word that is longer is broken where it must be.
    static func wrapped(_ text: String, to columns: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        var used = 0
        for word in text.split(separator: " ") {
            let wordWidth = width(word)
            if used > 0 && used + 1 + wordWidth > columns {
                lines.append(line)
                (line, used) = ("", 0)
            }
            if used > 0 {
                line += " "
                used += 1
            }
            guard used + wordWidth > columns else {
                line += word
                used += wordWidth
                continue
            }
            for scalar in word.unicodeScalars {
                if used + width(scalar) > columns {
                    lines.append(line)
                    (line, used) = ("", 0)
                }
                line.unicodeScalars.append(scalar)
                used += width(scalar)
            }
        }
        if used > 0 || lines.isEmpty { lines.append(line) }
        return lines
    }
}

extension Int {
    /// With a comma between thousands: `9,000`.
    var grouped: String {
        let digits = String(magnitude)
        guard digits.count > 3 else { return String(self) }
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return (self < 0 ? "-" : "") + text
    }

    /// `1 resource`, `9,000 resources`.
    func counted(_ noun: String) -> String { "\(grouped) \(noun)\(self == 1 ? "" : "s")" }
}
