import OsirisModel

/// Leases that etcd itself keeps and ends (https://etcd.io/docs/v3.4/learning/api/#lease-api): no clock but etcd's counts.
/// The key of the lock is attached to one, so etcd deletes it with the lease.
extension EtcdStore {
    func acquire(_ value: [UInt8], at key: String, seconds: Int) async throws -> LeaseOutcome {
        if let held = try await entry(key) { return .held(held.stored) }
        let grant = try await call("/v3/lease/grant", ["TTL": .int(seconds)], isRepeatable: true)
        let id = Message.number(grant.mapValue?["ID"])
        guard id != 0 else { throw unreadable }
        let full = address.key(key)
        let put: Value = [
            "key": Message.base64(full), "value": Message.base64(value), "lease": .string(String(id)),
        ]
        let answer: EtcdStoreTransaction
        do {
            answer = try await transaction(
                [Message.created(full, at: "0")], success: [["requestPut": put]], failure: [Message.range(full)],
                isRepeatable: false)
        } catch {
            // If the put comes through after all, it fails without its lease or goes with it.
            try? await revoke(id: String(id))
            throw error
        }
        if answer.succeeded {
            return .acquired(StoreLease(key: key, id: String(id), revision: answer.revision))
        }
        try await revoke(id: String(id))
        guard let holder = answer.ranges.first?.entries.first else { throw unreadable }
        return .held(holder.stored)
    }

    func renew(_ lease: StoreLease) async throws -> Bool {
        let answer: Value
        do {
            answer = try await gateway.call("/v3/lease/keepalive", ["ID": .string(lease.id)], isRepeatable: true)
        } catch let fault as EtcdStoreFault {
            if fault.isNotFound { return false }
            throw fault.error(at: location)
        }
        // A lease that has ended is answered without a time to live.
        guard Message.number(answer.mapValue?["result"]?.mapValue?["TTL"]) > 0 else { return false }
        return try await entry(lease.key)?.createRevision == lease.revision
    }

    func release(_ lease: StoreLease) async throws { try await revoke(id: lease.id) }

    func holder(_ key: String) async throws -> StoredValue? { try await read(key) }

    func breakLease(_ key: String, ifValue value: [UInt8]) async throws -> Bool {
        guard let held = try await entry(key), held.value == value else { return false }
        let full = address.key(key)
        let answer = try await transaction(
            [Message.created(full, at: held.createRevision)], success: [Message.delete(full)], isRepeatable: false)
        // Without its key the lease means nothing any more; its holder's next renewal fails.
        if answer.succeeded { try? await revoke(id: held.lease) }
        return answer.succeeded
    }

    private func revoke(id: String) async throws {
        do {
            _ = try await gateway.call("/v3/lease/revoke", ["ID": .string(id)], isRepeatable: true)
        } catch let fault as EtcdStoreFault {
            if !fault.isNotFound { throw fault.error(at: location) }
        }
    }
}
