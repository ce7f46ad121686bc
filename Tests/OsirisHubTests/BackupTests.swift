import Foundation
import GRDB
import Testing

@testable import OsirisHub

@Suite(.serialized) struct BackupTests {
    /// Deploys two functions, one with a secret of each kind, two versions and a program that must stay executable.
    private func fill(_ client: Client, _ mark: String) async throws {
        let code = """
            import os
            def handle():
                file = open(os.environ['OSIRIS_SECRETS'] + '/pin').read()
                return ' '.join(['\(mark)', os.environ['KEY']] + ['pin'] * (file != 'p' + os.environ['KEY']))
            """
        for number in 1...2 {
            let secrets = ["KEY": ["value": "s\(number)", "digest": "hmac-sha256:\(mark)\(number)"]]
            let files = ["pin": ["value": "ps\(number)", "digest": "hmac-sha256:\(mark)\(number)"]]
            _ = try await client.put(.python("keyed", code, ["secrets": secrets, "secretFiles": files]))
            try await client.wait(for: "keyed", "\(number)") { $0.ready && $0.version == number }
        }
        _ = try await client.put(.command("echo-\(mark)", "exec cat\n"))
        try await client.wait(for: "echo-\(mark)")
    }

    /// What must be the same after a restore.
    private func content(_ client: Client) async throws -> [String] {
        let list = try await client.send("GET", "/system/functions")
        var lines = try JSONDecoder().decode([FunctionStatus].self, from: list.body).map {
            "\($0.name) \($0.version) \($0.sourceDigest) \($0.secretDigests["KEY"] ?? "") \($0.updated)"
        }
        lines.append(list.headers["etag"] ?? "")
        for name in ["keyed", "echo-a", "echo-b"] {
            let versions = try await client.send("GET", "/system/function/\(name)/versions?namespace=demo")
            lines.append(versions.status == 200 ? versions.text : "\(versions.status)")
        }
        return lines
    }

    private func answers(_ client: Client) async throws -> [String] {
        var answers: [String] = []
        for name in ["keyed", "echo-a", "echo-b"] {
            let answer = try await client.call(name, name == "keyed" ? "" : "[1]")
            answers.append("\(answer.status) \(answer.status == 200 ? answer.text : "")")
        }
        return answers
    }

    private func restore(_ backup: Data, _ client: Client, force: Bool = false) async throws -> Answer {
        try await client.send("POST", "/system/restore\(force ? "?force=true" : "")", data: backup)
    }

    @Test func aBackupBringsEverythingBackIntoAnEmptyHub() async throws {
        var backup = Data()
        var before: (content: [String], answers: [String]) = ([], [])
        try await TestHub.with { hub in
            try await fill(hub.client, "a")
            before = (try await content(hub.client), try await answers(hub.client))
            let answer = try await hub.client.send("GET", "/system/backup")
            #expect(answer.status == 200 && answer.headers["content-length"] == "\(answer.body.count)")
            backup = answer.body
            #expect(try FileManager.default.contentsOfDirectory(atPath: hub.folder + "/scratch").isEmpty)
            for token in ["deploy", "read", "invoke"] {
                for (method, path) in [("GET", "/system/backup"), ("POST", "/system/restore")] {
                    #expect(try await hub.client.send(method, path, token: token).status == 403)
                }
            }
        }
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder) { hub in
            let answer = try await restore(backup, hub.client)
            #expect(answer.status == 200 && answer.json["functions"] as? Int == 2, "\(answer.text)")
            #expect(try await content(hub.client) == before.content)
            #expect(try await answers(hub.client) == before.answers)
            // The log of this hub, not of the other one.
            let log = try await hub.client.send("GET", "/system/audit").json
            #expect((log["records"] as? [[String: Any]])?.compactMap { $0["action"] as? String } == ["restore"])
            let rolledBack = try await hub.client.send(
                "POST", "/system/rollback-function/keyed?namespace=demo", body: "{}")
            #expect(rolledBack.json["version"] as? Int == 3, "\(rolledBack.text)")
            try await hub.client.wait(for: "keyed", "3") { $0.ready && $0.version == 3 }
            #expect(try await hub.client.call("keyed").text == #""a s1""#)
        }
        try await TestHub.with(folder: folder) { hub in
            try await hub.client.wait(for: "keyed")
            #expect(try await hub.client.call("keyed").text == #""a s1""#)
        }
    }

    @Test func aHubWithFunctionsNeedsForceAndThenHasOnlyThoseOfTheBackup() async throws {
        var backup = Data()
        var before: [String] = []
        try await TestHub.with { hub in
            try await fill(hub.client, "a")
            before = try await content(hub.client)
            backup = try await hub.client.send("GET", "/system/backup").body
        }
        try await TestHub.with { hub in
            try await fill(hub.client, "b")
            let own = try await content(hub.client)
            let refused = try await restore(backup, hub.client)
            #expect(refused.status == 409 && refused.code == "not_empty", "\(refused.text)")
            #expect(try await content(hub.client) == own)
            let members = Members.of(hub.folder)
            let answer = try await restore(backup, hub.client, force: true)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(try await content(hub.client) == before)
            #expect(try await answers(hub.client) == [#"200 "a s2""#, "200 [1]", "404 "])
            try await eventually("the instances from before are gone") { !members.contains(where: \.isAlive) }
            #expect(!FileManager.default.fileExists(atPath: hub.folder + "/functions/demo/echo-b"))
            #expect(!FileManager.default.fileExists(atPath: hub.folder + "/restore.ready"))
        }
    }

    @Test func whatIsDamagedOrNoBackupChangesNothing() async throws {
        try await TestHub.with { hub in
            try await fill(hub.client, "a")
            let own = try await content(hub.client)
            let backup = try await hub.client.send("GET", "/system/backup").body
            func changed(_ sql: String) async throws -> Data {
                let path = hub.folder + "/changed.db"
                defer { try? FileManager.default.removeItem(atPath: path) }
                try backup.write(to: URL(fileURLWithPath: path))
                let queue = try DatabaseQueue(path: path)
                try await queue.write { try $0.execute(sql: sql) }
                try queue.close()
                return try Data(contentsOf: URL(fileURLWithPath: path))
            }
            var faulty = [
                "empty": Data(), "text": Data("hello".utf8), "cut": backup.prefix(backup.count / 2),
            ]
            faulty["spec"] = try await changed("UPDATE functions SET spec = replace(spec, 'python3', 'command')")
            faulty["bytes"] = try await changed("UPDATE backup_blobs SET bytes = zeroblob(10)")
            faulty["secret"] = try await changed("UPDATE backup_secrets SET bytes = CAST('{}' AS BLOB)")
            faulty["missing"] = try await changed("DELETE FROM backup_files WHERE version = 1")
            faulty["path"] = try await changed("UPDATE backup_files SET path = '../../x'")
            faulty["newer"] = try await changed("UPDATE backup SET format = 99")
            faulty["changed later"] = try await changed("INSERT INTO grdb_migrations VALUES ('99 later')")
            faulty["catalog"] = try await changed("DROP TABLE backup")
            for (name, data) in faulty {
                let answer = try await restore(data, hub.client, force: true)
                #expect(answer.status == 400 && answer.code == "not_a_backup", "\(name): \(answer.text)")
                #expect(answer.message.contains("Nothing was changed."))
            }
            #expect(try await content(hub.client) == own)
            #expect(try await hub.client.call("keyed").text == #""a s2""#)
            #expect(try FileManager.default.contentsOfDirectory(atPath: hub.folder + "/scratch").isEmpty)
        }
    }

    enum Point: CaseIterable { case drafted, decided, catalogReplaced, filesHalfReplaced }

    /// The hub is killed between two steps: the next one has the old content whole or the new.
    @Test(arguments: Point.allCases)
    func aRestoreThatWasCutOffIsDoneOrNot(point: Point) async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var backup = Data()
        var (old, new): ([String], [String]) = ([], [])
        try await TestHub.with { hub in
            try await fill(hub.client, "a")
            new = try await content(hub.client)
            backup = try await hub.client.send("GET", "/system/backup").body
        }
        try await TestHub.with(folder: folder) { hub in
            try await fill(hub.client, "b")
            old = try await content(hub.client)
        }
        let data = DataFolder(path: folder)
        let catalog = try await SQLiteCatalog.open(path: data.catalog)
        let backups = Backups(data: data, catalog: catalog, cluster: "test")
        let draft = try await backups.receive(.init(buffer: .init(bytes: Array(backup))))
        let decided = DecidedRestore(data: data)
        let audit = AuditEntry(time: 1, caller: "admin", role: "admin", client: "", action: "restore", call: "c1")
        if point != .drafted { try decided.decide(draft, audit: audit) }
        if point == .catalogReplaced || point == .filesHalfReplaced { try await decided.replaceCatalog(catalog) }
        if point == .filesHalfReplaced {
            try FileManager.default.removeItem(atPath: data.functions)
            try FileManager.default.moveItem(atPath: folder + "/restore.ready/functions", toPath: data.functions)
        }
        try catalog.close()
        for _ in 1...2 {
            try await TestHub.with(folder: folder) { hub in
                #expect(try await content(hub.client) == (point == .drafted ? old : new))
                let expected =
                    point == .drafted
                    ? [#"200 "b s2""#, "404 ", "200 [1]"] : [#"200 "a s2""#, "200 [1]", "404 "]
                #expect(try await answers(hub.client) == expected)
                let log = try await hub.client.send("GET", "/system/audit?limit=1000").json
                let restores = (log["records"] as? [[String: Any]] ?? []).filter {
                    $0["action"] as? String == "restore"
                }
                #expect(restores.count == (point == .drafted ? 0 : 1))
                #expect(!FileManager.default.fileExists(atPath: folder + "/restore.ready"))
            }
        }
    }
}
