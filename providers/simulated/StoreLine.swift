import OsirisModel

/// One line of a store: what happened to one object.
struct StoreLine: Sendable, Equatable {
    enum Operation: String, Sendable { case create, update, delete }

    var operation: Operation
    var id: String
    var type: String
    var address: String
    /// The idempotency token of the operation, or `outside` for what nobody asked for.
    var token: String
    /// All attributes for a create; for an update those that are set, `null` for those that are removed.
    var attributes: Attributes

    /// The token of changes that no operation of the provisioner made.
    static let outside = "outside"
}

extension StoreLine {
    /// The line as it stands in the file, with its line feed. Secrets are written as their digests.
    func encoded() throws -> [UInt8] {
        let fields: [(String, Value)] = [
            ("op", .string(operation.rawValue)), ("id", .string(id)), ("type", .string(type)),
            ("address", .string(address)), ("token", .string(token)),
            ("attributes", .map(attributes.mapValues(Self.writable))),
        ]
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes.append(contentsOf: (bytes.isEmpty ? "{\"" : ",\"").utf8)
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: "\":".utf8)
            bytes.append(contentsOf: try StoreJSON.encode(value))
        }
        bytes.append(contentsOf: "}\n".utf8)
        return bytes
    }

    /// Nil if `bytes` are not such a line.
    init?(decoding bytes: ArraySlice<UInt8>) {
        guard case .map(let fields)? = StoreJSON.decode(bytes),
            let operation = fields["op"]?.stringValue.flatMap(Operation.init(rawValue:)),
            let id = fields["id"]?.stringValue
        else { return nil }
        self.operation = operation
        self.id = id
        type = fields["type"]?.stringValue ?? ""
        address = fields["address"]?.stringValue ?? ""
        token = fields["token"]?.stringValue ?? ""
        attributes = (fields["attributes"]?.mapValue ?? [:]).mapValues(Self.readable)
        if operation == .create, ResourceAddress(address) == nil { return nil }
    }

    private static let secretKey = "$secret"

    private static func writable(_ value: Value) -> Value {
        switch value {
        case .secret(let secret): [secretKey: .string(secret.digest)]
        case .list(let items): .list(items.map(writable))
        case .map(let entries): .map(entries.mapValues(writable))
        default: value
        }
    }

    private static func readable(_ value: Value) -> Value {
        switch value {
        case .list(let items): return .list(items.map(readable))
        case .map(let entries):
            if entries.count == 1, let digest = entries[secretKey]?.stringValue {
                return .secret(Secret(digest: digest, plaintext: nil))
            }
            return .map(entries.mapValues(readable))
        default: return value
        }
    }

    /// True if `bytes` can be the beginning of a line whose end was never written: a bracket or a string is still open.
    static func isTorn(_ bytes: ArraySlice<UInt8>) -> Bool {
        var depth = 0
        var inString = false
        var escaped = false
        for byte in bytes {
            if escaped {
                escaped = false
            } else if inString {
                if byte == UInt8(ascii: "\\") { escaped = true }
                if byte == UInt8(ascii: "\"") { inString = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): inString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
            }
        }
        return inString || depth > 0
    }
}
