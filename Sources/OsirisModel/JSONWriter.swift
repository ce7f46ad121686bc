/// Writes values as canonical JSON into a byte buffer. See `Value.json()` for the format.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private let pretty: Bool
    private let escapesReserved: Bool
    private var level = 0

    init(pretty: Bool = false, escapesReserved: Bool = true) {
        self.pretty = pretty
        self.escapesReserved = escapesReserved
    }

    mutating func write(_ value: Value) {
        switch value {
        case .null: append("null")
        case .bool(let flag): append(flag ? "true" : "false")
        case .int(let number): append(number.description)
        case .double(let number): write(number)
        case .string(let text): write(text)
        case .list(let items): write(items)
        case .map(let entries): write(entries)
        case .unknown: write(reserved: "$unknown", .bool(true))
        case .secret(let secret): write(reserved: "$secret", .string(secret.digest))
        case .joined(let parts): write(reserved: "$joined", .list(parts))
        case .reference(let reference):
            write(reserved: "$reference", [.string(reference.address.text), .string(reference.attribute)])
        }
    }

    private mutating func write(_ number: Double) {
        if number.isFinite {
            // Swift's description is the shortest text that reads back as the same number, and is valid JSON.
            append(number.description)
        } else {
            write(reserved: "$double", .string(number.isNaN ? "nan" : number < 0 ? "-inf" : "inf"))
        }
    }

    private mutating func write(_ items: [Value]) {
        guard !items.isEmpty else { return append("[]") }
        open(UInt8(ascii: "["))
        var first = true
        for item in items {
            separate(first: &first)
            write(item)
        }
        close(UInt8(ascii: "]"))
    }

    private mutating func write(_ entries: [String: Value]) {
        let looksReserved =
            entries.count == 1 ? entries.keys.contains { $0.utf8.first == UInt8(ascii: "$") } : entries["$map"] != nil
        if escapesReserved, looksReserved {
            writeEntry(key: "$map") { $0.writeEntries(entries) }
        } else {
            writeEntries(entries)
        }
    }

    private mutating func write(reserved key: String, _ value: Value) {
        writeEntry(key: key) { $0.write(value) }
    }

    private mutating func writeEntry(key: String, _ value: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "{"))
        var first = true
        separate(first: &first)
        write(key: key)
        value(&self)
        close(UInt8(ascii: "}"))
    }

    private mutating func writeEntries(_ entries: [String: Value]) {
        guard !entries.isEmpty else { return append("{}") }
        open(UInt8(ascii: "{"))
        var first = true
        for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
            separate(first: &first)
            write(key: key)
            write(value)
        }
        close(UInt8(ascii: "}"))
    }

    private mutating func write(key: String) {
        write(key)
        bytes.append(UInt8(ascii: ":"))
        if pretty { bytes.append(UInt8(ascii: " ")) }
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { source in
            // Almost no text needs an escape: look first, then copy the whole stretch at once.
            if source.contains(where: JSONWriter.needsEscape) {
                for byte in source { appendEscaped(byte) }
            } else {
                bytes.append(contentsOf: source)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0A: append("\\n")
        case 0x0C: append("\\f")
        case 0x0D: append("\\r")
        case 0..<0x20: append("\\u00" + Digest.hex(CollectionOfOne(byte)))
        default: bytes.append(byte)
        }
    }

    private mutating func append(_ ascii: String) { bytes.append(contentsOf: ascii.utf8) }

    private mutating func open(_ bracket: UInt8) {
        bytes.append(bracket)
        level += 1
    }

    private mutating func close(_ bracket: UInt8) {
        level -= 1
        breakLine()
        bytes.append(bracket)
    }

    private mutating func separate(first: inout Bool) {
        if !first { bytes.append(UInt8(ascii: ",")) }
        first = false
        breakLine()
    }

    private mutating func breakLine() {
        guard pretty else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * level))
    }
}
