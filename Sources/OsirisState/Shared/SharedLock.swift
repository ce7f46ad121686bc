import Foundation
import OsirisModel

/// The lease on a shared state, and who shows himself as its holder.
struct SharedLock: Sendable {
    /// How often another who died or went away at this moment is waited out.
    private static let attempts = 5

    let lease: StoreLease
    /// What the lease shows.
    let value: [UInt8]

    /// Takes the lease.
    /// - Parameter holder: as this run will be shown.
    /// - Throws: `DiagnosticsError`: OSR0404 naming the holder, OSR0408.
    static func take(_ holder: LockHolder, in log: SharedLog) async throws -> SharedLock {
        // Shown by this attempt alone: whoever finds it knows his own.
        var shown = holder.stored
        shown["attempt"] = .string(UUID().uuidString.lowercased())
        let value = Value.map(shown).json()
        for _ in 0..<attempts {
            let outcome = try await log.writing {
                try await log.store.acquire(value, at: SharedKeys.lock, seconds: LockRule.leaseSeconds)
            }
            switch outcome {
            case .acquired(let lease): return SharedLock(lease: lease, value: value)
            case .held(let found):
                let other = try Self.holder(found, in: log)
                // What a first try took may have been ours, with the answer lost: nobody else shows the same.
                let isGone =
                    LockRule.isGone(other, machineOf: holder, startOfProcess: ProcessIdentity.startMark)
                    || found.bytes == value
                guard isGone else { throw Fault.locked(log.location, by: other) }
                _ = try await log.writing {
                    try await log.store.breakLease(SharedKeys.lock, ifValue: found.bytes)
                }
            }
        }
        throw Fault.shared(
            SharedStoreError(.other, "its lock changes hands all the time"), at: log.location, writing: true)
    }

    /// Who a lease shows.
    static func holder(_ value: StoredValue, in log: SharedLog) throws -> LockHolder {
        try log.decoding(SharedKeys.lock) { () throws(StoredFault) in try LockHolder(stored: value.bytes) }
    }
}

extension LockHolder {
    var stored: [String: Value] {
        var map: [String: Value] = [
            "formatVersion": .int(LogFormat.version), "fencing": .int(id), "user": .string(user),
            "host": .string(host), "pid": .int(pid), "operation": .string(operation),
        ]
        map.put("since", since)
        map.put("process", process.map(Value.string))
        return map
    }

    /// The service knows when the lease was renewed, and tells only whether it still counts.
    init(stored bytes: [UInt8]) throws(StoredFault) {
        let fields = try StoredFields(document: bytes)
        let since = try fields.date("since")
        self.init(
            id: try fields.int("fencing"), user: try fields.text("user"), host: try fields.text("host"),
            pid: try fields.int("pid"), operation: try fields.text("operation"), since: since, renewedAt: since,
            process: try fields.optionalText("process"))
    }
}
