import Foundation
import Testing

/// What an operator does with hubs that run, through the built programs.
@Suite(.serialized)
struct HubOperationsTests {
    private let scratch: Scratch
    private let port: Int

    init() throws {
        scratch = try Scratch()
        port = try freePort()
        try scratch.write("import os\ndef handle():\n    return os.environ['MARK']\n", to: "functions/f/f.py")
        try write(mark: "one")
    }

    private func write(mark: String) throws {
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: edge}
            spec:
              functions:
                - {name: f, namespace: demo, runtime: python3, source: functions/f, handler: f.handle,
                   scale: {min: 1, max: 3}, env: {MARK: \(mark)}, secrets: {KEY: "s-\(mark)"}}
              targets:
                - {name: here, provider: local, port: \(port)}

            """, to: "cluster.yaml")
    }

    private func osiris(_ arguments: String..., environment: [String: String] = [:]) async throws -> Program.Answer {
        try await Program.Running(arguments, environment: environment, in: scratch.url).wait()
    }

    /// Runs a test and leaves no hub behind, however it ends.
    private func cleaningUp(_ test: () async throws -> Void) async throws {
        let result: Result<Void, any Error>
        do { result = .success(try await test()) } catch { result = .failure(error) }
        _ = try await osiris("destroy", "--auto-approve")
        try result.get()
    }

    private func apply(mark: String) async throws {
        try write(mark: mark)
        let applied = try await osiris("apply", "--auto-approve")
        #expect(applied.status == 0, "\(applied)")
    }

    private func eventuallyCalls(_ result: String) async throws {
        for _ in 0..<200 {
            if try await osiris("functions", "call", "demo/f").out == "\"\(result)\"\n" { return }
        }
        Issue.record("demo/f never answered \(result)")
    }

    @Test func listDescribeScaleAndRollBack() async throws { try await cleaningUp(functionsSteps) }

    private func functionsSteps() async throws {
        try await apply(mark: "one")
        try await apply(mark: "two")
        let list = try #require(try await osiris("functions", "list", "--json").json as? [[String: Any]])
        #expect(list.count == 1 && list[0]["target"] as? String == "here" && list[0]["version"] as? Int == 2)
        let table = try await osiris("functions", "list")
        #expect(table.status == 0 && table.out.contains("demo/f") && table.out.contains("1/1"), "\(table)")
        #expect(try await osiris("functions", "list", "--target", "else").out.contains("demo/f") == false)

        let scaled = try await osiris("functions", "scale", "demo/f", "3")
        #expect(scaled.status == 0 && scaled.out.contains("keeps 3 instances of demo/f"), "\(scaled)")
        let refused = try await osiris("functions", "scale", "demo/f", "9")
        #expect(refused.status == 1 && refused.err.contains("OSR0612") && refused.err.contains("1...3"), "\(refused)")

        // A rollback by hand is drift, and apply takes it back.
        let rolledBack = try await osiris("functions", "rollback", "demo/f")
        #expect(rolledBack.status == 0 && rolledBack.out.contains("as version 3"), "\(rolledBack)")
        try await eventuallyCalls("one")
        let described = try await osiris("functions", "describe", "demo/f")
        #expect(described.status == 0 && described.out.contains("serving, as 1"), "\(described)")
        let fields = try #require(
            try await osiris("functions", "describe", "demo/f", "--json").json as? [String: Any])
        #expect((fields["versions"] as? [[String: Any]])?.compactMap { $0["version"] as? Int } == [3, 2, 1])
        #expect((fields["instances"] as? [[String: Any]])?.isEmpty == false)
        let plan = try await osiris("plan", "--detailed-exitcode", "--json")
        #expect(plan.status == 2, "\(plan)")
        let drift = try #require((try plan.json as? [String: Any])?["drift"] as? [[String: Any]])
        #expect(drift.map { $0["address"] as? String } == ["here/function.here.demo.f"], "\(plan)")
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try await osiris("functions", "call", "demo/f").out == "\"two\"\n")
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0)

        let unknown = try await osiris("functions", "rollback", "demo/f", "--to", "99")
        #expect(unknown.status == 1 && unknown.err.contains("Kept are"), "\(unknown)")
        let faulty = try await osiris("functions", "describe", "f")
        #expect(faulty.status == 1 && faulty.err.contains("OSR0606"), "\(faulty)")
    }

    @Test func auditShowsAndVerifies() async throws { try await cleaningUp(auditSteps) }

    private func auditSteps() async throws {
        try await apply(mark: "one")
        try await apply(mark: "two")
        let tail = try #require(try await osiris("hub", "audit", "--tail", "1", "--json").json as? [[String: Any]])
        #expect(tail.count == 1 && tail[0]["function"] as? String == "demo/f" && tail[0]["status"] as? Int == 202)
        let table = try await osiris("hub", "audit")
        #expect(table.status == 0 && table.out.contains("deploy") && table.out.contains("demo/f"), "\(table)")
        let whole = try await osiris("hub", "audit", "verify")
        #expect(whole.status == 0 && whole.out.contains("here/hub.here"), "\(whole)")
        #expect(scratch.files().contains(".osiris/audit-heads.json"))

        // Somebody cuts the end off while the hub runs: the chain alone is whole, but less than was seen.
        let catalog = scratch.url.path + "/.osiris/hubs/here/catalog.db"
        try await tamper(catalog, "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
        let cut = try await osiris("hub", "audit", "verify")
        #expect(cut.status == 1 && cut.err.contains("OSR0613") && cut.err.contains("the log ends before it"), "\(cut)")
        try await tamper(catalog, "UPDATE audit SET record = replace(record, 'deploy', 'nothing') WHERE seq = 1")
        let altered = try await osiris("hub", "audit", "verify", "--json", "--new-log")
        #expect(altered.status == 1 && altered.out.contains("broken at record 1"), "\(altered)")
    }

    /// Changes the hub's database behind its back.
    private func tamper(_ catalog: String, _ sql: String) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let program =
            "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], timeout=20)\nc.execute(sys.argv[2])\nc.commit()"
        process.arguments = ["python3", "-c", program, catalog, sql]
        try process.run()
        await process.ended()
        #expect(process.terminationStatus == 0)
    }

    @Test func aBackupIsRestoredAndThePlanIsEmpty() async throws { try await cleaningUp(backupSteps) }

    private func backupSteps() async throws {
        try await apply(mark: "one")
        try await apply(mark: "two")
        let before = try await functions()
        let saved = try await osiris("hub", "backup", "-o", "edge.backup")
        #expect(saved.status == 0, "\(saved)")
        let file = scratch.url.path + "/edge.backup"
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        #expect(bytes.range(of: Data("SQLite format".utf8)) == nil && bytes.range(of: Data("s-two".utf8)) == nil)

        let refused = try await osiris("hub", "restore", "edge.backup")
        #expect(refused.status == 4 && refused.err.contains("OSR0615") && refused.err.contains("--force"), "\(refused)")
        #expect(try await osiris("functions", "rollback", "demo/f").status == 0)
        try await eventuallyCalls("one")
        let restored = try await osiris("hub", "restore", "edge.backup", "--force")
        #expect(restored.status == 0 && restored.out.contains("1 function"), "\(restored)")
        try await eventuallyCalls("two")
        #expect(try await functions() == before)
        let plan = try await osiris("plan", "--detailed-exitcode")
        #expect(plan.status == 0, "\(plan)")
        // The log was not restored with it.
        #expect(try await osiris("hub", "audit", "verify").status == 0)

        // With another key, or one byte changed, nothing is sent.
        let other = try await osiris(
            "hub", "restore", "edge.backup", "--force",
            environment: ["OSIRIS_STATE_KEY": String(repeating: "ab", count: 32)])
        #expect(other.status == 1 && other.err.contains("OSR0406"), "\(other)")
        var changed = bytes
        changed[changed.count - 1] ^= 1
        try changed.write(to: scratch.url.appendingPathComponent("changed.backup"))
        let damaged = try await osiris("hub", "restore", "changed.backup", "--force")
        #expect(damaged.status == 1 && damaged.err.contains("OSR0614"), "\(damaged)")
        #expect(try await functions() == before)
    }

    private func functions() async throws -> [String] {
        let list = try #require(try await osiris("functions", "list", "--json").json as? [[String: Any]])
        return list.map {
            "\($0["name"] ?? "") \($0["version"] ?? "") \($0["sourceDigest"] ?? "") \($0["updated"] ?? "")"
        }
    }
}
