/// Identities from random numbers, made for every call: Foundation's `UUID` opens a file for each.
enum RandomID {
    /// A version 4 UUID (RFC 9562, section 5.4), in lower case.
    static func uuid(using random: inout some RandomNumberGenerator) -> String {
        let high = random.next() & ~0xF000 | 0x4000
        let low = random.next() & ~(0b11 << 62) | 0b10 << 62
        let (first, last) = (hex(high, digits: 16), hex(low, digits: 16))
        return
            "\(first.prefix(8))-\(first.dropFirst(8).prefix(4))-\(first.suffix(4))-\(last.prefix(4))-\(last.dropFirst(4))"
    }

    /// Lower-case hexadecimal digits with leading zeros.
    static func hex(_ number: UInt64, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
