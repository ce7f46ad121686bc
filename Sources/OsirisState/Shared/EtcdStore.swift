import OsirisModel
import OsirisTransport

/// A shared store in etcd 3.4 or newer, by its JSON gateway
/// (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/).
struct EtcdStore: SharedStore {
    typealias Message = EtcdStoreMessage

    /// etcd lets a transaction have 128 requests; fewer keep an answer of largest values within 64 MiB.
    private static let batch = 32
    private static let page = 1_000

    let gateway: EtcdStoreGateway

    init(_ settings: EtcdStoreSettings, http: any HTTPSending) {
        gateway = EtcdStoreGateway(settings, http: http)
    }

    var address: SharedStoreAddress { gateway.settings.address }
    var location: String { address.text }

    /// etcd's default limit is 1.5 MiB for a request as it stands in the log, without base64 and JSON
    /// (https://etcd.io/docs/v3.4/dev-guide/limit/).
    var maxValueSize: Int { 1 << 20 }

    func read(_ key: String) async throws -> StoredValue? { try await entry(key)?.stored }

    func read(_ keys: [String]) async throws -> [String: StoredValue] {
        var values: [String: StoredValue] = [:]
        for start in stride(from: 0, to: keys.count, by: Self.batch) {
            let ranges = keys[start...].prefix(Self.batch).map { Message.range(address.key($0)) }
            let answer = try await transaction(success: ranges, isRepeatable: true)
            for entry in answer.ranges.flatMap(\.entries) { values[address.relative(entry.key)] = entry.stored }
        }
        return values
    }

    func write(_ value: [UInt8], to key: String, if condition: WriteCondition, holding lease: StoreLease?) async throws
        -> String?
    {
        guard value.count <= maxValueSize else {
            throw SharedStoreError.tooLarge(value.count, limit: maxValueSize, key: key, at: location)
        }
        let full = address.key(key)
        var compare: [Value]
        switch condition {
        case .absent: compare = [Message.created(full, at: "0")]
        case .version(let version):
            // To etcd, a key that is not there has revision 0.
            guard let revision = Int(version), revision > 0 else { return nil }
            compare = [Message.modified(full, at: version)]
        }
        if let lease { compare.append(Message.created(address.key(lease.key), at: lease.revision)) }
        let answer = try await transaction(
            compare, success: [["requestPut": ["key": Message.base64(full), "value": Message.base64(value)]]],
            isRepeatable: false)
        return answer.succeeded ? answer.revision : nil
    }

    func list(_ prefix: String, after: String?) async throws -> [String] {
        let whole = address.key(prefix)
        // An empty key is none to etcd; the lowest one is a zero byte.
        var start = whole.isEmpty ? "\0" : whole
        if let after { start = max(start, address.key(after) + "\0") }
        var keys: [String] = []
        while true {
            let range = try await self.range([
                "key": Message.base64(start), "rangeEnd": Message.base64(Message.end(of: whole)), "keysOnly": true,
                "limit": .int(Self.page),
            ])
            keys += range.entries.map { address.relative($0.key) }
            guard range.hasMore, let last = range.entries.last else { return keys }
            start = last.key + "\0"
        }
    }

    func remove(_ keys: [String]) async throws {
        for start in stride(from: 0, to: keys.count, by: Self.batch) {
            let deletions = keys[start...].prefix(Self.batch).map { Message.delete(address.key($0)) }
            _ = try await transaction(success: deletions, isRepeatable: true)
        }
    }
}

extension EtcdStore {
    func entry(_ key: String) async throws -> EtcdStoreEntry? {
        try await range(["key": Message.base64(address.key(key))]).entries.first
    }

    private func range(_ request: Value) async throws -> EtcdStoreRange {
        let answer = try await call("/v3/kv/range", request, isRepeatable: true)
        guard let range = EtcdStoreRange(answer) else { throw unreadable }
        return range
    }

    func transaction(
        _ compare: [Value] = [], success: [Value], failure: [Value] = [], isRepeatable: Bool
    ) async throws -> EtcdStoreTransaction {
        let request: Value = ["compare": .list(compare), "success": .list(success), "failure": .list(failure)]
        let answer = try await call("/v3/kv/txn", request, isRepeatable: isRepeatable)
        guard let transaction = EtcdStoreTransaction(answer) else { throw unreadable }
        return transaction
    }

    func call(_ path: String, _ request: Value, isRepeatable: Bool) async throws -> Value {
        do {
            return try await gateway.call(path, request, isRepeatable: isRepeatable)
        } catch let fault as EtcdStoreFault {
            throw fault.error(at: location)
        }
    }

    var unreadable: SharedStoreError { SharedStoreError(.other, "\(location) answered what is not etcd's") }
}
