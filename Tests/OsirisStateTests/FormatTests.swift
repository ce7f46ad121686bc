import Foundation
import OsirisDiagnostics
import OsirisModel
import Testing

@testable import OsirisState

/// The states of every older version, as those versions wrote them (`States/format1`: an apply that was killed), open.
@Suite struct FormatTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let osiris = folder.path + "/.osiris"
        try FileManager.default.createDirectory(atPath: osiris, withIntermediateDirectories: true)
        let states = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/States/format1"
        for name in ["state.db", "key"] {
            try FileManager.default.copyItem(atPath: "\(states)/\(name)", toPath: "\(osiris)/\(name)")
        }
    }

    var bytes: Data { get throws { try Data(contentsOf: URL(fileURLWithPath: folder.state)) } }

    func expectContents(_ snapshot: StateSnapshot) {
        #expect(snapshot.lineage == "d2a8757d-48fa-4e0a-aa27-9a5c25d98c6d")
        #expect(snapshot.cluster == "edge")
        #expect(snapshot.resources.count == 22)
        #expect(
            snapshot.intents.map(\.address.text) == ["fleet/image.m0005", "fleet/image.m0006"])
        let hub = snapshot.resources[ResourceAddress("here/hub.here")!]
        #expect(hub?.attributes["port"] == 18391)
        guard case .secret(let token)? = hub?.attributes["token"] else {
            Issue.record("the hub has no token")
            return
        }
        #expect(token.plaintext?.count == 43)
        guard
            case .secret(let secret)? = snapshot.resources[
                ResourceAddress("here/function.here.demo.hello")!]?.attributes["secrets"]?.mapValue?["API_KEY"]
        else {
            Issue.record("the function has no secret")
            return
        }
        #expect(secret.plaintext == nil && secret.digest.hasPrefix("hmac-sha256:"))
    }

    @Test func aReaderLeavesTheFileAsItIs() async throws {
        let before = try bytes
        let store = StateStore.sealingTokens(folder.state)
        expectContents(try await store.snapshot())
        #expect(try await store.applies(limit: 10).count == 2)
        #expect(try bytes == before)
        #expect(folder.files == ["key", "state.db"])
    }

    @Test func aWriterMigratesAfterABackup() async throws {
        let store = StateStore.sealingTokens(folder.state)
        let session = try await store.begin(.test)
        try await session.record(.note(nil, text: "written by the new one"))
        try await session.end(.succeeded)
        expectContents(try await store.snapshot())
        #expect(try await store.applies(limit: 10).count == 3)
        #expect(try Inspection.count("SELECT formatVersion FROM meta", in: folder.state) == Schema.formatVersion)
        #expect(folder.files == ["key", "state.db", "state.db.format1"])
        // The backup is a state of the old format that says the same.
        try FileManager.default.removeItem(atPath: folder.state)
        try FileManager.default.moveItem(atPath: folder.state + ".format1", toPath: folder.state)
        #expect(try Inspection.count("SELECT formatVersion FROM meta", in: folder.state) == 1)
        #expect(try Inspection.count("SELECT count(*) FROM changes", in: folder.state) == 22)
        expectContents(try await store.snapshot())
    }

    @Test func aMigratedStateHasTheTablesOfANewOne() async throws {
        try await StateStore.open(path: folder.state).begin(.test).end(.succeeded)
        let fresh = try TemporaryFolder()
        let session = try await StateStore.open(path: fresh.state).begin(.test)
        try await session.end(.succeeded)
        let columns = """
            SELECT group_concat(t.name || '.' || c.name || ' ' || c.type, ', ') FROM sqlite_master t
            JOIN pragma_table_info(t.name) c WHERE t.type IN ('table', 'view') ORDER BY t.name, c.cid
            """
        #expect(try Inspection.text(columns, in: folder.state) == Inspection.text(columns, in: fresh.state))
    }

    /// Two versions of the program at once: the newer waits for the older one's lock, and leaves its file alone.
    @Test func aHeldStateIsNotMigrated() async throws {
        let identity = ProcessIdentity.current
        try Inspection.execute(
            """
            UPDATE lock SET user = 'ada', host = '\(identity.host)', pid = \(identity.pid),
                process = '\(identity.process ?? "")', operation = 'apply', since = 0,
                renewedAt = \(Date().stateMilliseconds)
            """, in: folder.state)
        #expect(await codes { _ = try await StateStore.open(path: folder.state).begin(.test) } == [.stateLocked])
        #expect(try Inspection.count("SELECT formatVersion FROM meta", in: folder.state) == 1)
        #expect(!FileManager.default.fileExists(atPath: folder.state + ".format1"))
    }

    @Test func aBackupThatCannotBeWrittenStopsTheMigration() async throws {
        // The draft's name is taken by a folder, so the backup cannot be made.
        try FileManager.default.createDirectory(
            atPath: "\(folder.state).format1.new-\(getpid())", withIntermediateDirectories: false)
        #expect(await codes { _ = try await StateStore.open(path: folder.state).begin(.test) } == [.stateWrite])
        #expect(try Inspection.count("SELECT formatVersion FROM meta", in: folder.state) == 1)
    }
}
