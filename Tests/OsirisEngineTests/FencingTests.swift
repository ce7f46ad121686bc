import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit
import OsirisState
import Testing

@testable import OsirisEngine

/// A place that answers "a later run was here", and the runs on both sides of that.
struct FencingTests {
    @Test func nothingGoesOnAfterAFence() async throws {
        let rig = try Rig(
            FakeProvider(
                [("a", nil, 1), ("b", nil, 1), ("c", nil, 1), ("d", nil, 1)],
                script: .init(
                    failures: ["a": [.fenced], "b": Array(repeating: .transient, count: 100_000)],
                    wait: .milliseconds(1))))
        let summary = try await rig.apply(parallelism: 2, retry: RetryPolicy(maxAttempts: 1_000_000))
        #expect(summary.stopped == .lockLost && summary.failed == 2 && summary.remaining.count == 2)
        #expect(summary.diagnostics.contains { $0.code == .lockLost && $0.address == "t/thing.a" })
        // For the run that is there now to settle.
        #expect(try await rig.store.snapshot().intents.count == 2)
    }

    @Test func aRunThatIsShutOutOfASettledPlaceStopsThere() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)], script: .init(fence: .fenced)))
        try await rig.leaveIntent(token: "t1")
        let error = await #expect(throws: DiagnosticsError.self) { _ = try await rig.apply() }
        #expect(error?.diagnostics.first?.code == .lockLost)
        #expect(rig.provider.world.withLock { $0.calls.filter { $0.hasPrefix("create") } }.isEmpty)
    }

    /// Until a place shuts the earlier run out, what is not there may still come: the same token is used.
    @Test func aPlaceThatCannotBeAskedKeepsTheIntentOpen() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)], script: .init(fence: .transient)))
        try await rig.leaveIntent(token: "t1")
        #expect(try await rig.apply().isComplete)
        #expect(rig.provider.world.withLock { $0.objects[FakeProvider.address("a")]?["id"] } == "t1")
    }

    @Test func aPlanFencesNothing() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)]))
        try await rig.leaveIntent(token: "t1")
        _ = try await rig.plan()
        #expect(rig.provider.world.withLock { $0.calls }.isEmpty)
        #expect(try await rig.apply().isComplete)
        let calls = rig.provider.world.withLock { $0.calls }
        #expect(calls.count == 2 && calls[0].hasPrefix("fence a ") && calls[1] == "create a", "\(calls)")
    }

    @Test func whatIsThereAndNotFinishedIsUpdated() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)], script: .init(unfinished: "its smoke call is missing")))
        try await rig.leaveIntent(token: "t1")
        rig.provider.world.withLock { world in
            world.objects[FakeProvider.address("a")] = ["size": 1, "id": "t1"]
            world.tokens["t1"] = FakeProvider.address("a")
        }
        let (plan, _) = try await rig.plan()
        #expect(plan.changes.map(\.action) == [.update])
        #expect(plan.changes.first?.reason.text.contains("its smoke call is missing") == true)
        #expect(try await rig.apply().isComplete)
        #expect(try await rig.plan().0.isEmpty)
    }

    @Test func aLostAnswerOfAnUnfinishedCreateIsAskedForAgain() async throws {
        let rig = try Rig(
            FakeProvider([("a", nil, 1)], script: .init(lostAnswers: ["a"], unfinished: "it was not ready")))
        #expect(try await rig.apply().isComplete)
        #expect(rig.provider.world.withLock { $0.calls } == ["create a", "create a"])
        #expect(try await rig.plan().0.isEmpty)
    }
}
