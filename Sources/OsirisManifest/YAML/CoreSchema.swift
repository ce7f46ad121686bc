/// Plain scalars by the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema).
enum CoreSchema {
    enum Kind: Sendable { case null, bool, int, float, string }

    enum Scalar: Equatable, Sendable {
        case null
        case bool(Bool)
        case int(Int)
        case float(Double)
        /// An integer beyond 64 bits.
        case hugeInt
        case string
    }

    /// What a plain scalar stands for. `yes`, `on` and `0777` hold no surprise: text, text and seven hundred seventy-seven.
    static func resolve(_ text: String) -> Scalar {
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "~"), UInt8(ascii: "n"), UInt8(ascii: "N"):
            return ["~", "null", "Null", "NULL"].contains(text) ? .null : .string
        case UInt8(ascii: "t"), UInt8(ascii: "T"):
            return ["true", "True", "TRUE"].contains(text) ? .bool(true) : .string
        case UInt8(ascii: "f"), UInt8(ascii: "F"):
            return ["false", "False", "FALSE"].contains(text) ? .bool(false) : .string
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return number(text)
        default: return .string
        }
    }

    private static func number(_ text: String) -> Scalar {
        let bytes = Array(text.utf8)
        if bytes.count > 2, bytes[0] == UInt8(ascii: "0") {
            if bytes[1] == UInt8(ascii: "o") { return radix(text.dropFirst(2), 8) }
            if bytes[1] == UInt8(ascii: "x") { return radix(text.dropFirst(2), 16) }
        }
        let signed = bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-")
        let body = bytes.dropFirst(signed ? 1 : 0)
        if !body.isEmpty, body.allSatisfy(isDigit) { return Int(text).map(Scalar.int) ?? .hugeInt }
        switch String(decoding: body, as: UTF8.self) {
        case ".inf", ".Inf", ".INF": return .float(bytes[0] == UInt8(ascii: "-") ? -.infinity : .infinity)
        case ".nan", ".NaN", ".NAN": return signed ? .string : .float(.nan)
        default: return isFloat(body) ? Double(text).map(Scalar.float) ?? .string : .string
        }
    }

    private static func radix(_ digits: Substring, _ radix: Int) -> Scalar {
        guard digits.allSatisfy({ $0.isASCII && ($0.hexDigitValue ?? radix) < radix }) else { return .string }
        return Int(digits, radix: radix).map(Scalar.int) ?? .hugeInt
    }

    /// `( "." [0-9]+ | [0-9]+ ( "." [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
    private static func isFloat(_ bytes: ArraySlice<UInt8>) -> Bool {
        let whole = bytes.prefix(while: isDigit)
        var rest = bytes.dropFirst(whole.count)
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit).count
            rest = rest.dropFirst(1 + fraction)
        }
        guard !whole.isEmpty || fraction > 0 else { return false }
        if rest.isEmpty { return true }
        guard rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") else { return false }
        rest = rest.dropFirst()
        if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        return !rest.isEmpty && rest.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

extension Node.Scalar {
    /// The scalar's value by its tag or the core schema; quoted and block scalars are strings.
    var resolved: CoreSchema.Scalar {
        if let kind {
            let plain = CoreSchema.resolve(text)
            switch (kind, plain) {
            case (.null, .null), (.bool, .bool), (.int, .int), (.int, .hugeInt), (.float, .float): return plain
            case (.float, .int(let number)): return .float(Double(number))
            default: return .string
            }
        }
        return style == .plain ? CoreSchema.resolve(text) : .string
    }
}
