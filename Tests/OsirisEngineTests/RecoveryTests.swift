import Foundation
import OsirisModel
import OsirisPlanner
import OsirisState
import Testing

@testable import OsirisEngine

/// Intents that a killed run left behind.
struct RecoveryTests {
    @Test func aCreateThatLandedIsTakenOver() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)]))
        try await rig.leaveIntent(token: "t1")
        rig.provider.world.withLock { world in
            world.objects[FakeProvider.address("a")] = ["size": 1, "id": "t1"]
            world.tokens["t1"] = FakeProvider.address("a")
        }
        let (plan, base) = try await rig.plan()
        #expect(plan.isEmpty)
        #expect(base.settled.first?.text.contains("taken over") == true)
        #expect(try await rig.store.snapshot().resources.isEmpty, "plan writes nothing")
        #expect(try await rig.apply().isComplete)
        #expect(try await rig.store.snapshot().resources.count == 1)
        #expect(try await rig.store.snapshot().intents.isEmpty)
    }

    @Test func aCreateThatDidNotLandIsMade() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)]))
        try await rig.leaveIntent(token: "t1")
        #expect(try await rig.apply().succeeded[.create] == 1)
        #expect(try await rig.store.snapshot().intents.isEmpty)
    }

    @Test func anAnswerThatNobodyHasKeepsTheTokenForTheNextTry() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)], script: .init(unknownAnswers: 1000)))
        try await rig.leaveIntent(token: "kept")
        let (plan, base) = try await rig.plan()
        #expect(base.openTokens[FakeProvider.address("a")] == "kept")
        #expect(plan.diagnostics.contains { $0.code == .unresolvedIntent })
    }
}
