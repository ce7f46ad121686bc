import HTTPTypes

/// W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context-1/): what a function is told about the trace that its
/// call belongs to. Plain.
struct TraceContext: Sendable, Equatable {
    /// 32 hexadecimal digits.
    var traceID: String
    /// Whether somebody records this trace, and other bits: two hexadecimal digits.
    var flags: String

    /// Reads the value of a `traceparent` header; nil if it is not valid.
    init?(_ header: String) {
        let parts = header.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, Self.isHex(parts[0], 2), parts[0] != "ff", Self.isHex(parts[1], 32),
            Self.isHex(parts[2], 16), Self.isHex(parts[3], 2)
        else { return nil }
        // A later version may have more parts, this one has not (section 3.2.4 and 4.3).
        guard parts.count == 4 || parts[0] != "00" else { return nil }
        guard parts[1].contains(where: { $0 != "0" }), parts[2].contains(where: { $0 != "0" }) else { return nil }
        traceID = String(parts[1])
        flags = String(parts[3])
    }

    /// A new trace, which nobody records yet.
    init(using random: inout some RandomNumberGenerator) {
        traceID = Self.hex(16, using: &random)
        flags = "00"
    }

    /// The value for the function, with a new parent id, as the hub takes part in the trace.
    func header(using random: inout some RandomNumberGenerator) -> String {
        // Bits that version 00 does not know are not passed on (section 4.3).
        let recorded = (UInt8(flags, radix: 16) ?? 0) & 1
        return "00-\(traceID)-\(Self.hex(8, using: &random))-0\(recorded)"
    }

    /// Puts the trace of a call into its headers. A state without a valid parent is dropped (section 3.3).
    static func apply(to headers: inout HTTPFields, using random: inout some RandomNumberGenerator) {
        let sent = headers[values: .traceParent]
        if sent.count == 1, let context = TraceContext(sent[0]) {
            headers[.traceParent] = context.header(using: &random)
        } else {
            headers[.traceParent] = TraceContext(using: &random).header(using: &random)
            headers[values: .traceState] = []
        }
    }

    private static func isHex(_ text: Substring, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// Lower-case hexadecimal digits of so many bytes, a multiple of 8, not all zero.
    private static func hex(_ bytes: Int, using random: inout some RandomNumberGenerator) -> String {
        // One question for eight bytes: each is a system call.
        var text = (0..<bytes / 8).map { _ in RandomID.hex(random.next(), digits: 16) }.joined()
        if text.utf8.allSatisfy({ $0 == 0x30 }) { text = "1" + text.dropFirst() }
        return text
    }
}
