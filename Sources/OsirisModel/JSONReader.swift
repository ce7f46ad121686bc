/// Reads one JSON document from UTF-8 bytes: strict RFC 8259, by recursive descent with a bounded depth.
///
/// Works on the caller's bytes in place; only strings and collections of the result are allocated.
struct JSONReader {
    /// Lists and maps inside each other. Deep enough for any manifest, shallow enough for every thread's stack.
    static let depthLimit = 200

    let bytes: UnsafeBufferPointer<UInt8>
    let reservedKeys: Bool
    var position = 0
    private var depth = 0
    /// The entries of all objects that have begun and not yet ended, innermost last.
    private var open: [Entry] = []

    private struct Entry {
        var key: String
        var value: Value
        var offset: Int
    }

    static func read(_ bytes: some Collection<UInt8>, reservedKeys: Bool) throws(JSONError) -> Value {
        func document(_ buffer: UnsafeBufferPointer<UInt8>) -> Result<Value, JSONError> {
            Result { () throws(JSONError) in
                var reader = JSONReader(bytes: buffer, reservedKeys: reservedKeys)
                return try reader.document()
            }
        }
        let result = bytes.withContiguousStorageIfAvailable(document) ?? Array(bytes).withUnsafeBufferPointer(document)
        return try result.get()
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, reservedKeys: Bool) {
        self.bytes = bytes
        self.reservedKeys = reservedKeys
    }

    private mutating func document() throws(JSONError) -> Value {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw error("more text after the document") }
        return value
    }

    private mutating func value() throws(JSONError) -> Value {
        skipSpace()
        guard position < bytes.count else { throw error("a value is missing") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try nested { (reader) throws(JSONError) in try reader.object() }
        case UInt8(ascii: "["): return try nested { (reader) throws(JSONError) in try reader.list() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error("a value is missing")
        }
    }

    private mutating func nested(
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        guard depth < Self.depthLimit else { throw error("nested deeper than \(Self.depthLimit) levels") }
        depth += 1
        position += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func list() throws(JSONError) -> Value {
        var items: [Value] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .list(items) }
        while true {
            items.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .list(items) }
            guard take(UInt8(ascii: ",")) else { throw error("a comma or the end of the list is missing") }
        }
    }

    private mutating func object() throws(JSONError) -> Value {
        let start = position - 1
        skipSpace()
        if reservedKeys, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\""),
            bytes[position + 1] == UInt8(ascii: "$")
        {
            return try objectWithReservedKey(start: start)
        }
        return .map(try entries())
    }

    /// The entries of an object, from behind its opening bracket.
    private mutating func entries() throws(JSONError) -> [String: Value] {
        skipSpace()
        if take(UInt8(ascii: "}")) { return [:] }
        return try entries(from: open.count)
    }

    /// The entries of an object from a key on; those before it lie on the stack of open entries from `base` on.
    private mutating func entries(from base: Int) throws(JSONError) -> [String: Value] {
        while true {
            skipSpace()
            let start = position
            let key = try key()
            let value = try value()
            open.append(Entry(key: key, value: value, offset: start))
            skipSpace()
            if take(UInt8(ascii: "}")) { return try close(from: base) }
            guard take(UInt8(ascii: ",")) else { throw error("a comma or the end of the object is missing") }
        }
    }

    /// Makes the dictionary once its size is known: growing one costs more than all the parsing.
    private mutating func close(from base: Int) throws(JSONError) -> [String: Value] {
        var entries = [String: Value](minimumCapacity: open.count - base)
        for entry in open[base...] where entries.updateValue(entry.value, forKey: entry.key) != nil {
            throw JSONError(offset: entry.offset, reason: "repeated key")
        }
        open.removeSubrange(base...)
        return entries
    }

    private mutating func key() throws(JSONError) -> String {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw error("a key is missing") }
        let key = try string()
        skipSpace()
        guard take(UInt8(ascii: ":")) else { throw error("a colon is missing") }
        return key
    }

    /// An object whose first key starts with `$`. It has a special meaning only if that is its only key.
    private mutating func objectWithReservedKey(start: Int) throws(JSONError) -> Value {
        let key = try key()
        skipSpace()
        let content: Value
        if key == "$map" {
            guard position < bytes.count, bytes[position] == UInt8(ascii: "{") else { throw error("a map is missing") }
            content = try nested { (reader) throws(JSONError) in .map(try reader.entries()) }
        } else {
            content = try value()
        }
        skipSpace()
        if key != "$map", take(UInt8(ascii: ",")) {
            let base = open.count
            open.append(Entry(key: key, value: content, offset: start + 1))
            return .map(try entries(from: base))
        }
        guard take(UInt8(ascii: "}")) else { throw error("a comma or the end of the object is missing") }
        guard ["$map", "$secret", "$unknown", "$reference", "$double"].contains(key) else {
            return .map([key: content])
        }
        guard let value = Value(reservedKey: key, content: content) else {
            throw JSONError(offset: start, reason: "malformed value of a reserved key")
        }
        return value
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func word(_ word: StaticString, _ value: Value) throws(JSONError) -> Value {
        for index in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[index]) else { throw error("not a JSON word") }
        }
        return value
    }

    func error(_ reason: String) -> JSONError { JSONError(offset: position, reason: reason) }
}
