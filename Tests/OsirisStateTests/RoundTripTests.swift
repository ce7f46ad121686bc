import Foundation
import OsirisModel
import OsirisState
import Testing

@Suite struct RoundTripTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func aMissingStateIsEmptyAndStaysMissing() async throws {
        let store = StateStore.open(path: folder.state)
        let snapshot = try await store.snapshot()
        #expect(snapshot.serial == 0 && snapshot.resources.isEmpty && snapshot.cluster == nil)
        #expect(try await store.snapshot().lineage == snapshot.lineage)
        #expect(try await store.applies(limit: 5).isEmpty)
        #expect(try await store.lockHolder() == nil)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/.osiris"))
        let session = try await store.begin(.test)
        try await session.end(.succeeded)
        #expect(try await store.snapshot().lineage == snapshot.lineage)
    }

    @Test func everythingComesBack() async throws {
        let store = StateStore.open(path: folder.state)
        let session = try await store.begin(.test)
        var machine = ResourceRecord.sample(1)
        machine.schemaVersion = 3
        var child = ResourceRecord.sample(2)
        child.parent = machine.address
        child.dependsOn = [machine.address]
        child.source = nil
        try await session.create(machine)
        try await session.create(child)
        let open = Intent("t-3", .update, of: child)
        try await session.record(.intent(open))
        let snapshot = try await store.snapshot()
        #expect(snapshot.resources == [machine.address: machine, child.address: child])
        #expect(snapshot.intents == [open])
        #expect(snapshot.serial == 2 && snapshot.cluster == "edge")
        try await session.end(.interrupted)
        #expect(try await StateStore.open(path: folder.state).snapshot() == snapshot)
    }

    @Test func theNewestRecordCountsAndDeletesRemove() async throws {
        let store = StateStore.open(path: folder.state)
        let session = try await store.begin(.test)
        for number in 1...3 { try await session.create(.sample(number)) }
        let updated = ResourceRecord.sample(1, version: 2)
        try await session.record(.intent(Intent("u", .update, of: updated)))
        try await session.record(.succeeded(token: "u", record: updated))
        try await session.delete(.sample(2))
        try await session.record(.forgotten(ResourceRecord.sample(3).address))
        try await session.record(.observed(.sample(4), text: "imported"))
        try await session.record(.note(nil, text: "remark"))
        try await session.end(.succeeded)
        let snapshot = try await store.snapshot()
        #expect(snapshot.resources.values.sorted { $0.address < $1.address } == [updated, .sample(4)])
        #expect(snapshot.serial == 7 && snapshot.intents.isEmpty)
    }

    @Test func childrenGoWithTheirParent() async throws {
        let store = StateStore.open(path: folder.state)
        let session = try await store.begin(.test)
        var child = ResourceRecord.sample(2)
        child.parent = ResourceRecord.sample(1).address
        var grandchild = ResourceRecord.sample(3)
        grandchild.parent = child.address
        for record in [ResourceRecord.sample(1), child, grandchild] { try await session.create(record) }
        try await session.delete(.sample(1))
        #expect(try await store.snapshot().resources.isEmpty)
        #expect(await codes { try await session.record(.observed(child)) } == [.inconsistentResult])
        try await session.end(.succeeded)
    }

    @Test func failuresKeepOrDropTheIntent() async throws {
        let store = StateStore.open(path: folder.state)
        let session = try await store.begin(.test)
        try await session.record(.intent(Intent("a", .create, of: .sample(1))))
        try await session.record(.intent(Intent("b", .create, of: .sample(2))))
        try await session.record(.failed(token: "a", message: "answer lost", keepIntent: true))
        try await session.record(.failed(token: "b", message: "refused", keepIntent: false))
        #expect(await codes { try await session.record(.succeeded(token: "b", record: nil)) } == [.inconsistentResult])
        #expect(
            await codes { try await session.record(.intent(Intent("a", .create, of: .sample(1)))) }
                == [.inconsistentResult])
        try await session.end(.failed)
        let snapshot = try await store.snapshot()
        #expect(snapshot.intents.map(\.token) == ["a"] && snapshot.intents[0].failure == "answer lost")
        #expect(snapshot.serial == 0)
        // The next run finds out that it took place.
        let next = try await store.begin(.test)
        try await next.record(.succeeded(token: "a", record: .sample(1), text: "adopted"))
        try await next.end(.succeeded)
        #expect(try await store.snapshot().intents.isEmpty)
    }

    @Test func historyTellsWhatHappened() async throws {
        let store = StateStore.open(path: folder.state)
        let session = try await store.begin(.test)
        try await session.create(.sample(1))
        try await session.record(.intent(Intent("x", .create, of: .sample(2))))
        try await session.record(.failed(token: "x", message: "quota", keepIntent: false))
        try await session.end(.failed)
        let second = try await store.begin(RunDescription(operation: "destroy", cluster: "edge"))
        try await second.delete(.sample(1))
        let applies = try await store.applies(limit: 10)
        #expect(applies.map(\.operation) == ["destroy", "apply"])
        #expect(applies[0].outcome == nil && applies[1].outcome == .failed)
        #expect(applies[1].counts == [.created: 1, .failed: 1] && applies[0].counts == [.deleted: 1])
        #expect(applies[1].commit == "c0ffee" && applies[1].arguments == ["apply", "-f", "x"])
        let events = try await store.events(ofApply: session.applyID)
        #expect(events.map(\.kind) == [.created, .failed] && events[1].text == "quota")
        try await second.end(.succeeded)
        #expect(try await store.applies(limit: 1).count == 1)
    }

    @Test func onlyTheDatabaseStaysAndIsPrivate() async throws {
        let store = StateStore.sealingTokens(folder.state)
        let session = try await store.begin(.test)
        try await session.create(.hub(token: "CANARY-token"))
        #expect(folder.files.contains("key"))
        for file in folder.files {
            let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/.osiris/" + file)
            #expect(mode[.posixPermissions] as? Int == 0o600, "\(file)")
        }
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/.osiris")
        #expect(mode[.posixPermissions] as? Int == 0o700)
        try await session.end(.succeeded)
        #expect(folder.files == ["key", "state.db"])
        let second = try await store.begin(.test)
        try await second.delete(.hub(token: ""))
        try await second.end(.succeeded)
        #expect(folder.files == ["state.db"])
    }

    @Test func anotherClustersStateIsRefused() async throws {
        let store = StateStore.open(path: folder.state)
        try await store.begin(.test).end(.succeeded)
        let other = RunDescription(operation: "apply", cluster: "other")
        #expect(await codes { _ = try await store.begin(other) } == [.stateOtherCluster])
        try await store.begin(.test).end(.succeeded)
    }
}
