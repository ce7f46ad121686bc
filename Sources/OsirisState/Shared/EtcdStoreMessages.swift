import Foundation
import OsirisModel

/// The JSON of etcd's gateway (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/): byte strings in base64, 64-bit
/// numbers as text, and whatever is zero, false or empty left out.
enum EtcdStoreMessage {
    static func base64(_ text: String) -> Value { base64(Array(text.utf8)) }
    static func base64(_ bytes: [UInt8]) -> Value { .string(Data(bytes).base64EncodedString()) }

    static func bytes(_ value: Value?) -> [UInt8]? {
        guard let text = value?.stringValue else { return value == nil ? [] : nil }
        return Data(base64Encoded: text).map { Array($0) }
    }

    static func number(_ value: Value?) -> Int {
        value?.intValue ?? value?.stringValue.flatMap { Int($0) } ?? 0
    }

    /// The first key after all those that begin with `prefix`, as `range_end`; a zero byte means "to the end".
    static func end(of prefix: String) -> [UInt8] {
        // Keys are ASCII, so the last byte can always be raised by one.
        var bytes = Array(prefix.utf8)
        guard let last = bytes.popLast() else { return [0] }
        return bytes + [last + 1]
    }

    static func range(_ key: String) -> Value { ["requestRange": ["key": base64(key)]] }
    static func delete(_ key: String) -> Value { ["requestDeleteRange": ["key": base64(key)]] }

    static func created(_ key: String, at revision: String) -> Value {
        ["key": base64(key), "target": "CREATE", "result": "EQUAL", "createRevision": .string(revision)]
    }

    static func modified(_ key: String, at revision: String) -> Value {
        ["key": base64(key), "target": "MOD", "result": "EQUAL", "modRevision": .string(revision)]
    }
}

/// One key with its value, as etcd answers it.
struct EtcdStoreEntry {
    var key: String
    var value: [UInt8]
    var modRevision: String
    var createRevision: String
    var lease: String

    init?(_ value: Value) {
        guard let fields = value.mapValue, let key = EtcdStoreMessage.bytes(fields["key"]),
            let bytes = EtcdStoreMessage.bytes(fields["value"])
        else { return nil }
        self.key = String(decoding: key, as: UTF8.self)
        self.value = bytes
        modRevision = String(EtcdStoreMessage.number(fields["mod_revision"]))
        createRevision = String(EtcdStoreMessage.number(fields["create_revision"]))
        lease = String(EtcdStoreMessage.number(fields["lease"]))
    }

    var stored: StoredValue { StoredValue(bytes: value, version: modRevision) }
}

/// The answer of a range request, or of one inside a transaction.
struct EtcdStoreRange {
    var entries: [EtcdStoreEntry] = []
    var hasMore = false

    /// Nil if the answer is not one of etcd's.
    init?(_ answer: Value?) {
        guard let fields = answer?.mapValue else { return nil }
        for item in fields["kvs"]?.listValue ?? [] {
            guard let entry = EtcdStoreEntry(item) else { return nil }
            entries.append(entry)
        }
        hasMore = fields["more"]?.boolValue ?? false
    }
}

/// The answer of a transaction.
struct EtcdStoreTransaction {
    var succeeded: Bool
    /// Of the store after it.
    var revision: String
    /// Of the range requests in it, in order.
    var ranges: [EtcdStoreRange] = []

    /// Nil if the answer is not one of etcd's.
    init?(_ answer: Value) {
        guard let fields = answer.mapValue, let header = fields["header"]?.mapValue else { return nil }
        succeeded = fields["succeeded"]?.boolValue ?? false
        revision = String(EtcdStoreMessage.number(header["revision"]))
        for response in fields["responses"]?.listValue ?? [] {
            guard let answer = response.mapValue?["response_range"] else { continue }
            guard let range = EtcdStoreRange(answer) else { return nil }
            ranges.append(range)
        }
    }
}
