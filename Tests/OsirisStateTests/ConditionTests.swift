import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisState
import Testing

/// What a rebuild asks of the state: its condition, the way aside, the lineage.
@Suite struct ConditionTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var store: StateStore { StateStore.open(path: folder.state) }

    private func condition() async throws -> String { "\(try await store.condition(cluster: "edge"))" }

    private func fill(_ operation: String = "apply", _ outcome: ApplyOutcome = .succeeded, count: Int = 3) async throws
    {
        let session = try await store.begin(RunDescription(operation: operation, cluster: "edge"))
        for number in 0..<count { try await session.record(.observed(.sample(number))) }
        try await session.end(outcome)
    }

    @Test func eachConditionIsTold() async throws {
        #expect(try await condition() == "missing")
        try await fill("apply", .failed, count: 0)
        #expect(try await condition() == "fillable(serial: 0, resources: 0)")
        try await fill(StateStore.rebuildOperation, .failed)
        #expect(try await condition().hasSuffix("resources: 3)"), "left something out: may run again")
        try await fill(StateStore.rebuildOperation)
        #expect(try await condition() == "filled(3)")
        #expect(await codes { _ = try await store.condition(cluster: "other") } == [.stateOtherCluster])
        try Inspection.execute("UPDATE meta SET formatVersion = 99", in: folder.state)
        #expect(await codes { _ = try await store.condition(cluster: "edge") } == [.stateTooNew])
    }

    @Test func damageThatOtherCommandsPassOverIsFound() async throws {
        try await fill(count: 400)
        // A page of the history of runs, which a plan never reads.
        let page = try Inspection.count("SELECT rootpage FROM sqlite_schema WHERE name = 'applies'", in: folder.state)
        let size = try Inspection.count("PRAGMA page_size", in: folder.state)
        let url = URL(fileURLWithPath: folder.state)
        var bytes = try Data(contentsOf: url)
        for index in (page - 1) * size..<page * size { bytes[index] = 0xFF }
        try bytes.write(to: url)
        #expect(try await store.snapshot().resources.count == 400)
        #expect(try await condition().hasPrefix("damaged"))
    }

    @Test func aDamagedStateGoesAsideWithItsLogAndOverNothing() async throws {
        try await fill()
        for (suffix, text) in [("", ""), ("-wal", "a log"), ("-shm", "")] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder.state + suffix))
        }
        let store = StateStore.open(path: folder.state, now: { Date(timeIntervalSince1970: 1_800_000_000) })
        let first = try #require(try await store.setDamagedAside(cluster: "edge"))
        #expect(first == folder.state + ".damaged-20270115T080000Z")
        #expect(try String(contentsOfFile: first + "-wal", encoding: .utf8) == "a log")
        #expect(folder.files.count == 3, "\(folder.files)")
        #expect(try await condition() == "missing")
        // A second one in the same second.
        try Data("another".utf8).write(to: URL(fileURLWithPath: folder.state))
        let second = try #require(try await store.setDamagedAside(cluster: "edge"))
        #expect(second == first + ".2")
        #expect(try String(contentsOfFile: second, encoding: .utf8) == "another")
        #expect(try String(contentsOfFile: first, encoding: .utf8).isEmpty)
    }

    @Test func aHealthyStateStaysWhereItIs() async throws {
        #expect(try await store.setDamagedAside(cluster: "edge") == nil)
        try await fill()
        #expect(try await store.setDamagedAside(cluster: "edge") == nil)
        #expect(try await store.snapshot().resources.count == 3)
    }

    /// A kill after the database was moved and before its log was: nothing may take the log for its own.
    @Test func aLogWithoutItsDatabaseIsDamageAndGoesToTheSameName() async throws {
        try await fill()
        let aside = folder.state + ".damaged-20260101T000000Z"
        try FileManager.default.moveItem(atPath: folder.state, toPath: aside)
        try Data("its log".utf8).write(to: URL(fileURLWithPath: folder.state + "-wal"))
        #expect(await codes { _ = try await store.snapshot() } == [.stateDamaged])
        #expect(await codes { _ = try await store.begin(.test) } == [.stateDamaged])
        #expect(try await condition().hasPrefix("damaged"))
        #expect(try await store.setDamagedAside(cluster: "edge") == aside)
        #expect(try String(contentsOfFile: aside + "-wal", encoding: .utf8) == "its log")
        #expect(try await condition() == "missing")
    }

    @Test func anEmptyStateTakesALineageOverAndAFilledOneDoesNot() async throws {
        try await fill(count: 0)
        let session = try await store.begin(.test)
        try await session.adopt(lineage: "found")
        try await session.record(.observed(.sample(1)))
        try await session.adopt(lineage: "found")
        #expect(await codes { try await session.adopt(lineage: "other") } == [.severalLineages])
        try await session.end(.succeeded)
        #expect(try await store.snapshot().lineage == "found")
    }

    @Test func aChangedSecretIsDamageAndAWrongKeyIsNot() async throws {
        let store = StateStore.sealingTokens(folder.state)
        let session = try await store.begin(.test)
        for name in ["one", "two"] {
            var hub = ResourceRecord.hub(token: name)
            hub.address = ResourceAddress("here/hub.\(name)")!
            try await session.record(.observed(hub))
        }
        try await session.end(.succeeded)
        #expect("\(try await store.condition(cluster: "edge"))" == "filled(2)")
        let other = StateStore.sealingTokens(folder.state, keyText: String(repeating: "ab", count: 32))
        #expect(await codes { _ = try await other.condition(cluster: "edge") } == [.stateKey])
        try Inspection.execute(
            "UPDATE changes SET sealed = zeroblob(60) WHERE address = 'here/hub.two'", in: folder.state)
        #expect(try await store.condition(cluster: "edge").isDamaged)
        #expect(await codes { _ = try await other.condition(cluster: "edge") } == [.stateKey])
        try FileManager.default.removeItem(atPath: folder.key)
        #expect(await codes { _ = try await store.condition(cluster: "edge") } == [.stateKey])
    }

    @Test func aRunThatFoundTheStateEmptyLeavesTheKey() async throws {
        let store = StateStore.sealingTokens(folder.state)
        let first = try await store.begin(.test)
        try await first.create(.hub(token: "t"))
        try await first.end(.succeeded)
        // The state is lost; a destroy knows of nothing and must not take the key of the hub's mark along.
        try FileManager.default.removeItem(atPath: folder.state)
        try await store.begin(.test).end(.succeeded)
        #expect(try await store.existingKey() != nil)
        let last = try await store.begin(.test)
        try await last.record(.observed(.hub(token: "t")))
        try await last.delete(.hub(token: "t"))
        try await last.end(.succeeded)
        #expect(try await store.existingKey() == nil)
    }
}
