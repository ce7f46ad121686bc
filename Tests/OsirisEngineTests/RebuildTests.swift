import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState
import Testing

@testable import OsirisEngine

/// A lost state made again from what exists.
struct RebuildTests {
    private static func find(
        _ name: String, on parent: String? = nil, lineage: String? = "one", place: String? = nil,
        attributes: Attributes = ["size": 1, "id": "x"]
    ) -> Rebuild.Find {
        Rebuild.Find(
            provider: "fake",
            resource: DiscoveredResource(
                address: FakeProvider.address(name), attributes: attributes, parent: parent.map(FakeProvider.address),
                lineage: lineage, operation: "op-\(name)", place: place ?? "place of \(name)"))
    }

    private func rebuild(_ rig: Rig) async throws -> RebuildDraft {
        let desired = try ClusterExpander(rig.registry).expand(rig.cluster)
        let finds = await Rebuild(rig.registry).search(DiscoveryRequest(cluster: rig.cluster), for: desired)
        #expect(finds.unreadable.isEmpty)
        return RebuildDraft(finds.resources, desired: desired)
    }

    private func record(_ draft: RebuildDraft, _ rig: Rig) async throws {
        let store = StateStore.open(path: rig.store.location, lineage: draft.lineage)
        let session = try await store.begin(RunDescription(operation: StateStore.rebuildOperation, cluster: "test"))
        try await Rebuild(rig.registry).record(draft, over: try await store.snapshot(), to: session)
        try await session.end(.succeeded)
    }

    @Test func theStateIsTheOneThatWasLost() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1), ("b", "a", 2), ("c", "b", 3), ("d", nil, 4)]))
        #expect(try await rig.apply().isComplete)
        let before = try await rig.store.snapshot()
        try FileManager.default.removeItem(atPath: rig.store.location)
        let draft = try await rebuild(rig)
        #expect(draft.leftOut.isEmpty && draft.refusals.isEmpty && draft.lineage == before.lineage)
        try await record(draft, rig)
        let after = try await rig.store.snapshot()
        #expect(after.lineage == before.lineage && after.resources == before.resources)
        let (plan, _) = try await rig.plan()
        #expect(plan.isEmpty && plan.drift.isEmpty && plan.noopCount == 4)
        // Once more writes nothing.
        try await record(draft, rig)
        #expect(try await rig.store.snapshot().serial == after.serial)
    }

    @Test func whatLeftTheManifestIsFoundAndPlannedForDeletion() async throws {
        let rig = try Rig(FakeProvider([("a", nil, 1)]))
        #expect(try await rig.apply().isComplete)
        try FileManager.default.removeItem(atPath: rig.store.location)
        let stray = FakeProvider.address("stray")
        rig.provider.world.withLock { $0.objects[stray] = ["size": 7, "id": "s"] }
        try await record(try await rebuild(rig), rig)
        let (plan, _) = try await rig.plan()
        #expect(plan.changes.map(\.address) == [stray] && plan.changes.first?.action == .delete)
    }

    @Test func twoClaimsAreBothShownAndWhatLivesOnThemIsLeftOut() throws {
        let draft = RebuildDraft(
            [
                Self.find("a", place: "object 1"), Self.find("a", place: "object 2"), Self.find("b", on: "a"),
                Self.find("c", on: "b"), Self.find("d"),
            ], desired: .empty)
        #expect(draft.records.map(\.address) == [FakeProvider.address("d")])
        #expect(draft.leftOut.map(\.code) == [.doubleClaim, .parentMissing, .parentMissing])
        let notes = try #require(draft.leftOut.first?.notes.map(\.message))
        #expect(notes.count == 2 && notes[0].hasPrefix("object 1") && notes[1].hasPrefix("object 2"))
        #expect(draft.refusals.isEmpty)
    }

    @Test func severalLineagesNeedAPerson() throws {
        let finds = [
            Self.find("a", lineage: "one"), Self.find("b", lineage: "two"), Self.find("c", lineage: "two"),
            Self.find("d", lineage: nil),
        ]
        let asked = RebuildDraft(finds, desired: .empty)
        #expect(asked.records.isEmpty && asked.refusals.map(\.code) == [.severalLineages])
        #expect(asked.refusals.first?.notes.first?.message.contains("two: 2 objects") == true)
        #expect(asked.refusals.first?.help?.hasSuffix("--lineage two") == true)
        // What nobody marked is taken in either case.
        let one = RebuildDraft(finds, desired: .empty, lineages: ["one"])
        #expect(one.lineage == "one" && one.records.map(\.address.name) == ["a", "d"])
        let both = RebuildDraft(finds, desired: .empty, lineages: ["two", "one"])
        #expect(both.lineage == "two" && both.records.count == 4)
        #expect(RebuildDraft(finds, desired: .empty, lineages: ["three"]).refusals.map(\.code) == [.severalLineages])
    }

    @Test func withoutMarksOfALineageTheStateKeepsItsOwn() {
        let draft = RebuildDraft([Self.find("a", lineage: nil)], desired: .empty)
        #expect(draft.lineage == nil && draft.records.count == 1)
    }

    @Test func aPlaceThatCannotBeSearchedIsNamedOnce() async throws {
        let place = UnreadablePlace("the shed", "its door is locked")
        let rig = try Rig(FakeProvider([("a", nil, 1)], script: .init(unreadable: [place])))
        let finds = await Rebuild(rig.registry).search(DiscoveryRequest(cluster: rig.cluster), for: .empty)
        #expect(finds.unreadable == [place] && finds.resources.isEmpty)
    }

    @Test func manyAreRecordedParentsFirst() async throws {
        let things = (0..<300).map { ("t\($0)", $0 % 3 == 0 ? nil : "t\($0 - 1)", $0 % 100) as (String, String?, Int) }
        let rig = try Rig(FakeProvider(things))
        #expect(try await rig.apply(parallelism: 32).isComplete)
        let before = try await rig.store.snapshot()
        try FileManager.default.removeItem(atPath: rig.store.location)
        try await record(try await rebuild(rig), rig)
        #expect(try await rig.store.snapshot().resources == before.resources)
    }
}
