import Foundation
import OsirisDiagnostics
import OsirisModel
import OsirisState
import Testing

@Suite struct DamageTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func fill(_ count: Int = 200) async throws -> StateStore {
        let store = StateStore.open(path: folder.state)
        let session = try await store.begin(.test)
        for number in 0..<count { try await session.record(.observed(.sample(number))) }
        try await session.end(.succeeded)
        return store
    }

    /// The state is refused with this code by readers and writers, and stays as it is to the byte.
    func expectRefused(_ what: String, as code: DiagnosticCode = .stateDamaged) async throws {
        let url = URL(fileURLWithPath: folder.state)
        let before = try Data(contentsOf: url)
        let store = StateStore.open(path: folder.state)
        let read = await #expect(throws: DiagnosticsError.self, "\(what)") { _ = try await store.snapshot() }
        #expect(read?.diagnostics.first?.code == code, "\(what)")
        #expect(read?.diagnostics.first?.message.contains(folder.state) == true, "\(what)")
        #expect(read?.diagnostics.first?.help?.isEmpty == false)
        #expect(try Data(contentsOf: url) == before, "\(what)")
    }

    @Test func filesThatAreNoState() async throws {
        _ = try await fill(1)
        let url = URL(fileURLWithPath: folder.state)
        let random = Data((0..<5000).map { _ in UInt8.random(in: 0...255) })
        for (what, bytes) in [("empty", Data()), ("text", Data("hello, world\n".utf8)), ("random", random)] {
            try bytes.write(to: url)
            try await expectRefused(what)
            #expect(await codes { _ = try await StateStore.open(path: folder.state).begin(.test) } == [.stateDamaged])
            #expect(try Data(contentsOf: url) == bytes)
        }
        try FileManager.default.removeItem(at: url)
        try Inspection.execute("CREATE TABLE other (id)", in: folder.state)
        try await expectRefused("another program's database")
    }

    @Test(arguments: [3, 2, 1])
    func truncated(quarters: Int) async throws {
        _ = try await fill()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.state))
        try bytes.prefix(bytes.count * quarters / 4).write(to: URL(fileURLWithPath: folder.state))
        try await expectRefused("\(quarters) quarters left")
    }

    @Test func malformedPages() async throws {
        _ = try await fill()
        let good = try Data(contentsOf: URL(fileURLWithPath: folder.state))
        var bytes = good
        // The last pages hold records: 0xFF is no type of a page.
        for index in (bytes.count - 4096)..<bytes.count { bytes[index] = 0xFF }
        try bytes.write(to: URL(fileURLWithPath: folder.state))
        try await expectRefused("malformed page")
    }

    static let statements = [
        "UPDATE changes SET attributes = '{\"a\":' WHERE seq = 100",
        "UPDATE changes SET attributes = '[]' WHERE seq = 1",
        "UPDATE changes SET attributes = NULL WHERE seq = 7", "UPDATE changes SET attributes = x'ff' WHERE seq = 7",
        "UPDATE changes SET parent = 'here/hub.nowhere' WHERE seq = 5",
        "UPDATE changes SET event = 'lost' WHERE seq = 9",
        "UPDATE changes SET address = 'x' WHERE seq = 9", "UPDATE changes SET dependsOn = '[1]' WHERE seq = 9",
        "UPDATE changes SET provider = NULL WHERE seq = 9", "DELETE FROM meta", "DROP TABLE changes",
        "UPDATE meta SET serial = 'many'",
        "INSERT INTO intents VALUES (1, 1, 1, 't', 'explode', 'a/b.c', NULL, NULL, 'p', 't', NULL, '{}')",
    ]

    @Test(arguments: statements)
    func brokenInvariants(statement: String) async throws {
        _ = try await fill()
        try Inspection.execute(statement, in: folder.state)
        try await expectRefused(statement)
    }

    @Test func aNewerFormatIsRefused() async throws {
        _ = try await fill(1)
        try Inspection.execute("UPDATE meta SET formatVersion = 99", in: folder.state)
        try await expectRefused("newer", as: .stateTooNew)
        #expect(await codes { _ = try await StateStore.open(path: folder.state).begin(.test) } == [.stateTooNew])
    }

    @Test func supersededRecordsAreClearedAway() async throws {
        let store = try await fill(10)
        for round in 0..<3 {
            let session = try await store.begin(.test)
            for number in 0..<500 {
                try await session.record(.observed(.sample(number % 10, version: round * 500 + number)))
            }
            try await session.end(.succeeded)
        }
        let snapshot = try await store.snapshot()
        #expect(snapshot.resources.count == 10 && snapshot.serial == 1_510)
        #expect(snapshot.resources[ResourceRecord.sample(3).address]?.attributes["version"] == 1_493)
        #expect(try Inspection.count("SELECT count(attributes) FROM changes", in: folder.state) < 600)
        #expect(try Inspection.count("SELECT count(*) FROM resources", in: folder.state) == 10)
        #expect(try await store.applies(limit: 9).map { $0.counts[.observed] ?? 0 } == [500, 500, 500, 10])
    }
}
