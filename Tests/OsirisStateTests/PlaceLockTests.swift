import Foundation
import OsirisDiagnostics
import OsirisModel
import Testing

@testable import OsirisState

/// The lock of every place: who holds it, how it is lost, and that a former holder writes nothing.
@Suite(.enabled(if: Child.path == nil)) struct PlaceLockTests {
    /// A process of this machine that has ended: pids on Linux are at most 2²².
    static let dead: ProcessIdentity = {
        var identity = ProcessIdentity.current
        identity.pid = 1 << 23
        identity.user = "ada"
        return identity
    }()

    @Test(arguments: PlaceKind.allCases)
    func aSecondOpenerIsToldWhoHoldsTheLock(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let first = try await place.open().begin(.test)
        let second = place.open()
        let error = await #expect(throws: DiagnosticsError.self) { _ = try await second.begin(.test) }
        let diagnostic = try #require(error?.diagnostics.first)
        #expect(diagnostic.code == .stateLocked)
        let me = ProcessIdentity.current
        for word in [me.user, me.host, "pid \(me.pid)", "apply", "since 20", "lock \(first.fencing)"] {
            #expect(diagnostic.message.contains(word), "\(diagnostic.message)")
        }
        #expect(try await second.lockHolder()?.id == first.fencing)
        try await first.end(.succeeded)
        #expect(try await second.lockHolder() == nil)
        let next = try await second.begin(.test)
        #expect(next.fencing > first.fencing && next.applyID == first.applyID + 1)
        try await next.end(.succeeded)
    }

    @Test(arguments: PlaceKind.allCases)
    func aDeadHolderIsTakenOverAndWritesNothingMore(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let store = place.open()
        let old = try await store.begin(.test, as: Self.dead)
        try await old.record(.intent(Intent("t", .create, of: .sample(1))))
        let new = try await place.open().begin(.test)
        #expect(await codes { try await old.record(.succeeded(token: "t", record: .sample(1))) } == [.lockLost])
        #expect(await codes { try await old.record(.note(nil, text: "x")) } == [.lockLost])
        let snapshot = try await store.snapshot()
        #expect(snapshot.resources.isEmpty && snapshot.intents.map(\.token) == ["t"])
        try await new.record(.succeeded(token: "t", record: .sample(1), text: "adopted"))
        #expect(await codes { try await old.end(.succeeded) } == [.lockLost])
        try await new.end(.succeeded)
        let applies = try await store.applies(limit: 2)
        #expect(applies.map(\.outcome) == [.succeeded, .abandoned])
        #expect(try await store.snapshot().resources.count == 1)
    }

    @Test(arguments: PlaceKind.allCases)
    func aLockIsBrokenByItsIdOnly(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let store = place.open()
        #expect(try await store.breakLock(id: 1) == false)
        let session = try await store.begin(.test)
        #expect(try await store.breakLock(id: session.fencing + 1) == false)
        try await session.create(.sample(1))
        #expect(try await store.breakLock(id: session.fencing))
        #expect(try await store.lockHolder() == nil)
        #expect(await codes { try await session.create(.sample(2)) } == [.lockLost])
        #expect(await codes { try await session.end(.succeeded) } == [.lockLost])
        try await store.begin(.test).end(.succeeded)
        #expect(try await store.snapshot().resources.count == 1)
        #expect(try await store.applies(limit: 9).map(\.outcome) == [.succeeded, .abandoned])
    }

    /// Seconds are cut off from the clock, so runs within one second must count on.
    @Test(arguments: PlaceKind.allCases)
    func fencingTokensGrowWithTheClockAndWithoutIt(kind: PlaceKind) async throws {
        let place = try await kind.place()
        let start = 1_800_000_000
        var found: [Int] = []
        for seconds in [start, start, start - 100, start + 50] {
            let session = try await place.open(now: { Date(timeIntervalSince1970: Double(seconds)) }).begin(.test)
            found.append(session.fencing)
            try await session.end(.succeeded)
        }
        #expect(found == [start, start + 1, start + 2, start + 50])
    }
}
