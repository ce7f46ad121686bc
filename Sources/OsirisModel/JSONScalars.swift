extension JSONReader {
    /// A string, from its opening quote to behind its closing one.
    mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try utf8(start..<position)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw error("a control character in a string") }
            position += 1
        }
        throw error("the string has no end")
    }

    /// The rest of a string that holds an escape: collected byte by byte.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var unescaped = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: unescaped, as: UTF8.self) else {
                    throw JSONError(offset: start, reason: "not UTF-8")
                }
                position += 1
                return text
            case UInt8(ascii: "\\"):
                position += 1
                try appendEscape(to: &unescaped)
            default:
                guard byte >= 0x20 else { throw error("a control character in a string") }
                unescaped.append(byte)
                position += 1
            }
        }
        throw error("the string has no end")
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws(JSONError) {
        guard position < bytes.count else { throw error("the string has no end") }
        let byte = bytes[position]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            text.append(contentsOf: String(Character(try escapedScalar())).utf8)
            return
        default: throw error("not an escape")
        }
        position += 1
    }

    /// The scalar of `XXXX`, or of a surrogate pair `XXXX\uXXXX`. Half a pair is no text, so it is refused.
    private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
        let start = position
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw JSONError(offset: start, reason: "half of a surrogate pair")
        }
        let second = try fourHexDigits()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw JSONError(offset: start, reason: "half of a surrogate pair") }
        return scalar
    }

    private mutating func fourHexDigits() throws(JSONError) -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue,
                bytes[position] < 0x80
            else { throw error("not a hexadecimal digit") }
            number = number << 4 + UInt32(digit)
            position += 1
        }
        return number
    }

    private func utf8(_ range: Range<Int>) throws(JSONError) -> String {
        guard let text = String(validating: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self) else {
            throw JSONError(offset: range.lowerBound, reason: "not UTF-8")
        }
        return text
    }

    /// A number by RFC 8259's grammar: no leading zero, no plus sign, digits on both sides of the point.
    mutating func number() throws(JSONError) -> Value {
        let start = position
        let negative = take(UInt8(ascii: "-"))
        let wholeStart = position
        var whole = 0
        var fits = true
        while let digit = digit() {
            let (shifted, tooBig) = whole.multipliedReportingOverflow(by: 10)
            // Counted downwards, because Int.min has no positive twin.
            let (sum, tooLow) = shifted.subtractingReportingOverflow(digit)
            fits = fits && !tooBig && !tooLow
            whole = fits ? sum : 0
        }
        guard position > wholeStart else { throw error("a digit is missing") }
        if position > wholeStart + 1, bytes[wholeStart] == UInt8(ascii: "0") {
            throw JSONError(offset: wholeStart + 1, reason: "a number with a leading zero")
        }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            try digits()
        }
        if isWhole, fits, negative || whole != .min { return .int(negative ? whole : -whole) }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        guard let number = Double(text), number.isFinite else {
            throw JSONError(offset: start, reason: "a number beyond the range of a double")
        }
        return .double(number)
    }

    private mutating func digits() throws(JSONError) {
        guard digit() != nil else { throw error("a digit is missing") }
        while digit() != nil {}
    }

    private mutating func digit() -> Int? {
        guard position < bytes.count, case let value = bytes[position] &- UInt8(ascii: "0"), value < 10 else {
            return nil
        }
        position += 1
        return Int(value)
    }
}
