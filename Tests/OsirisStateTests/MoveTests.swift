import Foundation
import OsirisDiagnostics
import OsirisModel
import Testing

@testable import OsirisState

/// Moving a state from each kind of place to each other.
@Suite(.enabled(if: Child.path == nil)) struct MoveTests {
    struct Cut: Error {}

    /// Old and new, each local or shared.
    static let ways: [(PlaceKind, PlaceKind)] = [
        (.local, .memory), (.memory, .local), (.local, .local), (.memory, .memoryWithoutLeaseChecks), (.local, .etcd),
        (.etcd, .s3), (.s3, .local),
    ]

    static func fill(_ place: Place) async throws {
        for run in 1...3 {
            let session = try await place.sealingTokens().begin(.test)
            try await session.record(.observed(.hub(token: "CANARY-token"), text: "run \(run)"))
            try await session.record(.observed(.child(of: .hub(token: ""))))
            try await session.create(.sample(run + 1))
            if run == 2 { try await session.delete(.sample(2)) }
            try await session.record(.intent(Intent("open-\(run)", .create, of: .sample(20 + run))))
            try await session.record(.failed(token: "open-\(run)", message: "lost", keepIntent: true))
            try await session.record(.note(nil, text: "remark"))
            try await session.end(run == 2 ? .failed : .succeeded)
        }
    }

    struct Contents: Equatable {
        var snapshot: StateSnapshot
        var runs: [ApplyRecord]
        var events: [[EventRecord]]

        /// Of the first runs, which a move must not touch.
        init(_ place: Place) async throws {
            snapshot = try await place.sealingTokens().snapshot()
            runs = Array(try await place.open().applies(limit: 99).reversed().prefix(3))
            events = []
            for run in runs { events.append(try await place.open().events(ofApply: run.id)) }
        }
    }

    @Test(arguments: ways)
    func everythingArrivesAndTheOldPlaceIsRetired(way: (PlaceKind, PlaceKind)) async throws {
        let (old, new) = (try await way.0.place(), try await way.1.place())
        try await Self.fill(old)
        let before = try await Contents(old)
        let fencing = try await old.open().begin(.test)
        try await fencing.end(.succeeded)
        _ = try await StateMove(from: old.sealingTokens(), to: new.sealingTokens()).run(arguments: ["migrate"])
        let after = try await Contents(new)
        #expect(after == before)
        let hub = ResourceRecord.hub(token: "").address
        #expect(after.snapshot.resources[hub]?.attributes["token"]?.stringValue == "CANARY-token")
        #expect(try await new.open().applies(limit: 1).map(\.operation) == ["state migrate"])
        #expect(try await new.open().applies(limit: 1).map(\.outcome) == [.succeeded])
        try await Self.expectMoved(old, to: new)
        // The new place goes on: numbers and tokens grow.
        let next = try await new.open().begin(.test)
        #expect(next.fencing > fencing.fencing && next.applyID == 6)
        try await next.record(.succeeded(token: "open-1", record: .sample(21)))
        try await next.end(.succeeded)
        #expect(try await new.open().snapshot(unsealing: false).serial == before.snapshot.serial + 1)
        // And back again, over what was retired.
        _ = try await StateMove(from: new.sealingTokens(), to: old.sealingTokens()).run(arguments: [])
        try await Self.expectMoved(new, to: old)
        let back = try await old.sealingTokens().snapshot()
        #expect(back.serial == before.snapshot.serial + 1 && back.lineage == before.snapshot.lineage)
        let last = try await old.open().begin(.test)
        #expect(last.fencing > next.fencing)
        try await last.end(.succeeded)
    }

    static func expectMoved(_ old: Place, to new: Place) async throws {
        let error = await #expect(throws: DiagnosticsError.self) { _ = try await old.open().snapshot() }
        #expect(error?.diagnostics.map(\.code) == [.stateMoved])
        #expect(error?.diagnostics.first?.message.contains("moved to \(new.backend.location) on 20") == true)
        #expect(await codes { _ = try await old.open().begin(.test) } == [.stateMoved])
        #expect(await codes { _ = try await old.open().applies(limit: 1) } == [.stateMoved])
    }

    @Test(arguments: [(PlaceKind.local, PlaceKind.memory), (.memory, .local), (.local, .local), (.memory, .memory)])
    func cutOffAnywhereItIsFinishedByDoingItAgain(way: (PlaceKind, PlaceKind)) async throws {
        for step in StateMove.Step.allCases {
            let (old, new) = (try await way.0.place(), try await way.1.place())
            try await Self.fill(old)
            let before = try await Contents(old)
            var cut = StateMove(from: old.sealingTokens(), to: new.sealingTokens())
            cut.reached = { if $0 == step { throw Cut() } }
            await #expect(throws: Cut.self) { _ = try await cut.run(arguments: []) }
            // Never two places that take writes, and none that looks empty.
            if step == .retired {
                try await Self.expectMoved(old, to: new)
            } else {
                #expect(try await Contents(old) == before)
            }
            if step != .begun {
                #expect(await codes { _ = try await new.open().snapshot() } == [.stateMigration])
                #expect(await codes { _ = try await new.open().begin(.test) } == [.stateMigration])
            }
            if step != .retired {
                // The old one goes on meanwhile; what arrived before is not what counts.
                let session = try await old.open().begin(.test)
                try await session.create(.sample(9))
                try await session.end(.succeeded)
            }
            _ = try await StateMove(from: old.sealingTokens(), to: new.sealingTokens()).run(arguments: [])
            try await Self.expectMoved(old, to: new)
            let after = try await Contents(new)
            #expect(after.events == before.events && after.snapshot.lineage == before.snapshot.lineage)
            #expect(after.snapshot.serial == before.snapshot.serial + (step == .retired ? 0 : 1))
            // Once more says the same.
            _ = try await StateMove(from: old.sealingTokens(), to: new.sealingTokens()).run(arguments: [])
            #expect(try await Contents(new) == after)
        }
    }

    @Test(arguments: [PlaceKind.local, .memory])
    func whatIsThereIsNotWrittenOver(kind: PlaceKind) async throws {
        let (old, other) = (try await PlaceKind.memory.place(), try await kind.place())
        #expect(
            await codes { _ = try await StateMove(from: old.open(), to: other.open()).run(arguments: []) }
                == [.stateMigration])
        try await Self.fill(old)
        try await Self.fill(other)
        let before = try await Contents(other)
        #expect(
            await codes { _ = try await StateMove(from: old.open(), to: other.open()).run(arguments: []) }
                == [.stateMigration])
        #expect(try await Contents(other) == before)
        let third = try await PlaceKind.memory.place()
        // A move that was cut off is finished by nobody else.
        var cut = StateMove(from: old.sealingTokens(), to: third.sealingTokens())
        cut.reached = { if $0 == .received { throw Cut() } }
        await #expect(throws: Cut.self) { _ = try await cut.run(arguments: []) }
        #expect(
            await codes { _ = try await StateMove(from: other.open(), to: third.open()).run(arguments: []) }
                == [.stateMigration])
    }

    @Test func aLaterMoveToTheOldPlaceIsNotFinishedByAnEarlierOne() async throws {
        let (a, b, c) = (
            try await PlaceKind.memory.place(), try await PlaceKind.local.place(), try await PlaceKind.memory.place()
        )
        try await Self.fill(a)
        _ = try await StateMove(from: a.open(), to: b.open()).run(arguments: [])
        _ = try await StateMove(from: b.open(), to: c.open()).run(arguments: [])
        var cut = StateMove(from: c.open(), to: b.open())
        cut.reached = { if $0 == .verified { throw Cut() } }
        await #expect(throws: Cut.self) { _ = try await cut.run(arguments: []) }
        let again = await codes { _ = try await StateMove(from: a.open(), to: b.open()).run(arguments: []) }
        #expect(again == [.stateMigration])
        try await c.open().begin(.test).end(.succeeded)
    }

    @Test func aHeldLockHoldsTheMove() async throws {
        let (old, new) = (try await PlaceKind.memory.place(), try await PlaceKind.local.place())
        let session = try await old.open().begin(.test)
        #expect(
            await codes { _ = try await StateMove(from: old.open(), to: new.open()).run(arguments: []) }
                == [.stateLocked])
        try await session.end(.succeeded)
        #expect(new.folder.files.isEmpty)
    }
}
