import Foundation
import Synchronization

@testable import OsirisState

/// A shared store in memory, with the faults of a real one on demand.
final class MemoryStore: SharedStore {
    enum Fault: Sendable {
        /// The next write or acquisition takes effect, and its answer is lost.
        case answerLost
        /// The next write or acquisition is lost on its way, and nobody can tell.
        case requestLost
    }

    private struct Lease {
        var id: String
        var value: [UInt8]
        var seconds: Int
        var renewed: ContinuousClock.Instant
        var version: String
    }

    private struct Contents {
        var values: [String: StoredValue] = [:]
        var leases: [String: Lease] = [:]
        var versions = 0
        var fault: Fault?
        var callsRefused = 0
        var shift = Duration.zero
        var calls = 0

        var now: ContinuousClock.Instant { ContinuousClock.now + shift }

        func holder(_ key: String) -> Lease? {
            leases[key].flatMap { now - $0.renewed > .seconds($0.seconds) ? nil : $0 }
        }
    }

    let location = "memory://test"
    let maxValueSize = 1 << 20
    /// Whether a write checks the lease it is told to, as etcd does and S3 cannot.
    let checksLeases: Bool
    private let contents = Mutex(Contents())

    init(checksLeases: Bool = true) { self.checksLeases = checksLeases }

    /// For the next write or acquisition alone.
    func fail(_ fault: Fault) { contents.withLock { $0.fault = fault } }
    /// So many calls of any kind throw `.unavailable`.
    func refuse(calls: Int) { contents.withLock { $0.callsRefused = calls } }
    /// Lets time pass for leases.
    func advance(by duration: Duration) { contents.withLock { $0.shift += duration } }
    /// Calls so far, refused ones included.
    var calls: Int { contents.withLock { $0.calls } }

    func read(_ key: String) async throws -> StoredValue? { try call { $0.values[key] } }

    func read(_ keys: [String]) async throws -> [String: StoredValue] {
        try call { contents in contents.values.filter { keys.contains($0.key) } }
    }

    func write(_ value: [UInt8], to key: String, if condition: WriteCondition, holding lease: StoreLease?) async throws
        -> String?
    {
        guard value.count <= maxValueSize else {
            throw SharedStoreError.tooLarge(value.count, limit: maxValueSize, key: key, at: location)
        }
        return try change { contents in
            let holds =
                switch condition {
                case .absent: contents.values[key] == nil
                case .version(let version): contents.values[key]?.version == version
                }
            guard holds else { return nil }
            if checksLeases, let lease, contents.holder(lease.key)?.id != lease.id {
                return nil
            }
            contents.versions += 1
            contents.values[key] = StoredValue(bytes: value, version: String(contents.versions))
            return String(contents.versions)
        }
    }

    func list(_ prefix: String, after: String?) async throws -> [String] {
        try call { contents in
            let keys = Array(contents.values.keys) + Array(contents.leases.keys)
            return keys.filter { $0.hasPrefix(prefix) && $0 > after ?? "" }.sorted()
        }
    }

    func remove(_ keys: [String]) async throws {
        try call { contents in for key in keys { contents.values[key] = nil } }
    }

    func acquire(_ value: [UInt8], at key: String, seconds: Int) async throws -> LeaseOutcome {
        try change { contents in
            if let held = contents.holder(key) {
                return .held(StoredValue(bytes: held.value, version: held.version))
            }
            contents.versions += 1
            let id = UUID().uuidString
            contents.leases[key] = Lease(
                id: id, value: value, seconds: seconds, renewed: contents.now, version: String(contents.versions))
            return .acquired(StoreLease(key: key, id: id))
        }
    }

    func renew(_ lease: StoreLease) async throws -> Bool {
        try call { contents in
            guard contents.holder(lease.key)?.id == lease.id else { return false }
            let now = contents.now
            contents.leases[lease.key]?.renewed = now
            return true
        }
    }

    func release(_ lease: StoreLease) async throws {
        try call { contents in
            if contents.leases[lease.key]?.id == lease.id { contents.leases[lease.key] = nil }
        }
    }

    func holder(_ key: String) async throws -> StoredValue? {
        try call { contents in
            contents.holder(key).map { StoredValue(bytes: $0.value, version: $0.version) }
        }
    }

    func breakLease(_ key: String, ifValue value: [UInt8]) async throws -> Bool {
        try call { contents in
            guard contents.holder(key)?.value == value else { return false }
            contents.leases[key] = nil
            return true
        }
    }

    private func call<Result: Sendable>(_ body: (inout Contents) throws -> Result) throws -> Result {
        try contents.withLock { contents in
            contents.calls += 1
            if contents.callsRefused > 0 {
                contents.callsRefused -= 1
                throw SharedStoreError(.unavailable, "\(location) cannot be reached", help: "try again")
            }
            return try body(&contents)
        }
    }

    /// A call that the faults are for.
    private func change<Result: Sendable>(_ body: (inout Contents) throws -> Result) throws -> Result {
        try call { contents in
            let fault = contents.fault
            contents.fault = nil
            let lost = SharedStoreError(.unknown, "the answer to a write to \(location) was lost")
            if fault == .requestLost { throw lost }
            let result = try body(&contents)
            if fault == .answerLost { throw lost }
            return result
        }
    }
}
