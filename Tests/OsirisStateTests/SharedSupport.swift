import Foundation
import Synchronization

@testable import OsirisState

/// A clock that moves when it is told.
final class TestClock: Sendable {
    private let date = Mutex(Date(timeIntervalSince1970: 1_800_000_000))

    var now: Date { date.withLock { $0 } }
    func advance(days: Int) { date.withLock { $0 += Double(days) * 86_400 } }
}

/// True once it is set.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}

extension StateStore {
    /// - Parameter trust: see `SharedBackend`.
    static func open(
        _ store: any SharedStore, trust: Duration = .seconds(30), now: @escaping @Sendable () -> Date = { Date() }
    ) -> StateStore {
        StateStore(
            SharedBackend(store, patience: .test, trust: trust), key: StateKey(path: "/nowhere/key", environment: nil),
            lineage: nil, sealing: { _, _ in false }, now: now)
    }
}

/// A store in memory that is counted, falls silent, loses answers and holds a write back, on demand.
final class FaultyStore: SharedStore {
    private struct Plan {
        var calls = 0
        /// Calls that are still answered.
        var answered = Int.max
        /// Writes before the one that takes effect and whose answer is lost; nil for none.
        var writesBeforeLoss: Int?
        var isHolding = false
        var held: CheckedContinuation<Void, Never>?
        var waiter: CheckedContinuation<Void, Never>?
    }

    let inner: MemoryStore
    let maxValueSize: Int
    private let plan = Mutex(Plan())

    init(checksLeases: Bool = false, maxValueSize: Int = 1 << 20) {
        inner = MemoryStore(checksLeases: checksLeases)
        self.maxValueSize = maxValueSize
    }

    let location = "memory://\(UUID().uuidString.lowercased())"
    var calls: Int { plan.withLock { $0.calls } }

    /// Answers so many calls more, and then none.
    func fallSilent(afterCalls calls: Int = 0) { plan.withLock { $0.answered = calls } }
    func answerAgain() { plan.withLock { $0.answered = .max } }
    /// The answer of a write is lost that comes after so many others.
    func loseAnswer(afterWrites writes: Int = 0) { plan.withLock { $0.writesBeforeLoss = writes } }

    /// The next write waits on its way.
    func holdNextWrite() { plan.withLock { $0.isHolding = true } }
    /// Returns when a write waits.
    func untilHeld() async {
        await withCheckedContinuation { waiter in
            let isHeld = plan.withLock { plan in
                if plan.held == nil { plan.waiter = waiter }
                return plan.held != nil
            }
            if isHeld { waiter.resume() }
        }
    }
    func letGo() { plan.withLock { $0.held.take() }?.resume() }

    func read(_ key: String) async throws -> StoredValue? {
        try count()
        return try await inner.read(key)
    }

    func read(_ keys: [String]) async throws -> [String: StoredValue] {
        try count()
        return try await inner.read(keys)
    }

    func write(_ value: [UInt8], to key: String, if condition: WriteCondition, holding lease: StoreLease?) async throws
        -> String?
    {
        try count()
        await waitIfHeld()
        let isLost = plan.withLock { plan in
            defer { plan.writesBeforeLoss = plan.writesBeforeLoss.flatMap { $0 > 0 ? $0 - 1 : nil } }
            return plan.writesBeforeLoss == 0
        }
        let version = try await inner.write(value, to: key, if: condition, holding: lease)
        if isLost { throw SharedStoreError(.unknown, "the answer was lost") }
        return version
    }

    func list(_ prefix: String, after: String?) async throws -> [String] {
        try count()
        return try await inner.list(prefix, after: after)
    }

    func remove(_ keys: [String]) async throws {
        try count()
        try await inner.remove(keys)
    }

    func acquire(_ value: [UInt8], at key: String, seconds: Int) async throws -> LeaseOutcome {
        try count()
        return try await inner.acquire(value, at: key, seconds: seconds)
    }

    func renew(_ lease: StoreLease) async throws -> Bool {
        try count()
        return try await inner.renew(lease)
    }

    func release(_ lease: StoreLease) async throws {
        try count()
        try await inner.release(lease)
    }

    func holder(_ key: String) async throws -> StoredValue? {
        try count()
        return try await inner.holder(key)
    }

    func breakLease(_ key: String, ifValue value: [UInt8]) async throws -> Bool {
        try count()
        return try await inner.breakLease(key, ifValue: value)
    }

    private func count() throws {
        try plan.withLock { plan in
            plan.calls += 1
            guard plan.answered > 0 else { throw SharedStoreError(.unavailable, "\(location) cannot be reached") }
            if plan.answered < .max { plan.answered -= 1 }
        }
    }

    private func waitIfHeld() async {
        guard plan.withLock({ $0.isHolding }) else { return }
        await withCheckedContinuation { held in
            let waiter = plan.withLock { plan in
                plan.isHolding = false
                plan.held = held
                return plan.waiter.take()
            }
            waiter?.resume()
        }
    }
}
