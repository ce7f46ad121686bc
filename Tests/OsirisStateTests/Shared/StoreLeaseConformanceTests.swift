import Foundation
import OsirisModel
import Testing

@testable import OsirisState

/// What the leases of every shared store must do.
@Suite struct StoreLeaseConformanceTests {
    static let ada = Array("ada".utf8)
    static let bob = Array("bob".utf8)

    static func acquired(_ outcome: LeaseOutcome) -> StoreLease? {
        if case .acquired(let lease) = outcome { lease } else { nil }
    }

    @Test(arguments: StoreKind.allCases)
    func oneHoldsALeaseAtATime(kind: StoreKind) async throws {
        let store = try await kind.store()
        #expect(try await store.holder("lock") == nil)
        let first = try #require(Self.acquired(try await store.acquire(Self.ada, at: "lock", seconds: 60)))
        guard case .held(let shown) = try await store.acquire(Self.bob, at: "lock", seconds: 60) else {
            return #expect(Bool(false), "two hold the lease")
        }
        #expect(shown.bytes == Self.ada)
        #expect(try await store.holder("lock")?.bytes == Self.ada)
        #expect(try await store.renew(first))
        #expect(try await store.renew(first))
        try await store.release(first)
        #expect(try await store.holder("lock") == nil)
        #expect(try await !store.renew(first))
        let second = try #require(Self.acquired(try await store.acquire(Self.bob, at: "lock", seconds: 60)))
        #expect(second != first)
        // What the first holder does now must not touch the second.
        try await store.release(first)
        #expect(try await !store.renew(first))
        #expect(try await store.renew(second))
        #expect(try await store.holder("lock")?.bytes == Self.bob)
        try await store.release(second)
    }

    @Test(arguments: StoreKind.allCases)
    func aLeaseIsBrokenIfItIsTheOneMeant(kind: StoreKind) async throws {
        let store = try await kind.store()
        #expect(try await !store.breakLease("lock", ifValue: Self.ada))
        let first = try #require(Self.acquired(try await store.acquire(Self.ada, at: "lock", seconds: 60)))
        #expect(try await !store.breakLease("lock", ifValue: Self.bob))
        #expect(try await store.renew(first))
        #expect(try await store.breakLease("lock", ifValue: Self.ada))
        #expect(try await store.holder("lock") == nil)
        #expect(try await !store.renew(first))
        #expect(try await !store.breakLease("lock", ifValue: Self.ada))
        #expect(Self.acquired(try await store.acquire(Self.bob, at: "lock", seconds: 60)) != nil)
        #expect(try await !store.renew(first))
    }

    @Test(arguments: StoreKind.allCases)
    func oneOfManyAcquires(kind: StoreKind) async throws {
        let store = try await kind.store()
        let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 {
                group.addTask { Self.acquired(try await store.acquire(Self.ada, at: "lock", seconds: 60)) != nil }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
    }

    @Test(arguments: StoreKind.allCases.filter(\.checksLeases))
    func writesOfAFormerHolderAreRefused(kind: StoreKind) async throws {
        let store = try await kind.store()
        let first = try #require(Self.acquired(try await store.acquire(Self.ada, at: "lock", seconds: 60)))
        #expect(try await store.write([1], to: "log/1", if: .absent, holding: first) != nil)
        #expect(try await store.write([2], to: "log/1", if: .absent, holding: first) == nil)
        #expect(try await store.breakLease("lock", ifValue: Self.ada))
        #expect(try await store.write([2], to: "log/2", if: .absent, holding: first) == nil)
        let second = try #require(Self.acquired(try await store.acquire(Self.ada, at: "lock", seconds: 60)))
        #expect(try await store.write([2], to: "log/2", if: .absent, holding: first) == nil)
        #expect(try await store.read("log/2") == nil)
        #expect(try await store.write([2], to: "log/2", if: .absent, holding: second) != nil)
    }

    /// Ends by itself, as nobody renews it; the service's own time decides when.
    @Test(arguments: StoreKind.allCases)
    func aLeaseThatIsNotRenewedEnds(kind: StoreKind) async throws {
        let store = try await kind.store()
        let clock = ContinuousClock()
        let start = clock.now
        let first = try #require(Self.acquired(try await store.acquire(Self.ada, at: "lock", seconds: 2)))
        while try await store.holder("lock") != nil { try await Task.sleep(for: .milliseconds(50)) }
        #expect(clock.now - start > .seconds(2))
        let second = try #require(Self.acquired(try await store.acquire(Self.bob, at: "lock", seconds: 60)))
        #expect(try await !store.renew(first))
        try await store.release(first)
        #expect(try await store.renew(second))
        if kind.checksLeases {
            #expect(try await store.write([1], to: "log/1", if: .absent, holding: first) == nil)
        }
    }
}
