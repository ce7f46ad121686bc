import OsirisModel

/// One line of a store: what happened to one object, or with `fence` which run is at work. A `move` gives it another address.
struct StoreLine: Sendable, Equatable {
    enum Operation: String, Sendable { case create, update, move, delete, fence }

    var operation: Operation
    var id: String
    var type: String
    var address: String
    /// The idempotency token of the operation, or `outside` for what nobody asked for.
    var token: String
    /// All attributes for a create; for an update those that are set, `null` for those that are removed.
    var attributes: Attributes
    /// Nil for what nobody asked for, and in lines of an osiris that left no mark.
    var owner: StoreOwner?

    /// The token of changes that no operation of the provisioner made.
    static let outside = "outside"

    /// The line of a run that changes no object.
    static func fence(_ owner: StoreOwner, token: String) -> StoreLine {
        let owner = StoreOwner(lineage: owner.lineage, fence: owner.fence)
        return StoreLine(operation: .fence, id: "", type: "", address: "", token: token, attributes: [:], owner: owner)
    }
}

extension StoreLine {
    /// The line as it stands in the file, with its line feed. Secrets are written as their digests.
    func encoded() -> [UInt8] {
        var fields: [(String, Value)] = [("op", .string(operation.rawValue))]
        if operation != .fence {
            fields += [("id", .string(id)), ("type", .string(type)), ("address", .string(address))]
        }
        fields.append(("token", .string(token)))
        if let owner {
            if let cluster = owner.cluster { fields.append(("cluster", .string(cluster))) }
            fields += [("lineage", .string(owner.lineage)), ("fence", .int(owner.fence))]
        }
        if operation != .fence { fields.append(("attributes", .map(attributes))) }
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes.append(contentsOf: (bytes.isEmpty ? "{\"" : ",\"").utf8)
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: "\":".utf8)
            bytes.append(contentsOf: value.json())
        }
        bytes.append(contentsOf: "}\n".utf8)
        return bytes
    }

    /// Nil if `bytes` are not such a line.
    init?(decoding bytes: ArraySlice<UInt8>) {
        guard case .map(let fields)? = try? Value(json: bytes),
            let operation = fields["op"]?.stringValue.flatMap(Operation.init(rawValue:)),
            let id = fields["id"]?.stringValue ?? (operation == .fence ? "" : nil)
        else { return nil }
        self.operation = operation
        self.id = id
        type = fields["type"]?.stringValue ?? ""
        address = fields["address"]?.stringValue ?? ""
        token = fields["token"]?.stringValue ?? ""
        attributes = fields["attributes"]?.mapValue ?? [:]
        if let lineage = fields["lineage"]?.stringValue {
            owner = StoreOwner(
                cluster: fields["cluster"]?.stringValue, lineage: lineage, fence: fields["fence"]?.intValue ?? 0)
        }
        if operation == .create || operation == .move, ResourceAddress(address) == nil { return nil }
        if operation == .fence, owner == nil { return nil }
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
