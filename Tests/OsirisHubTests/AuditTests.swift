import Foundation
import GRDB
import OsirisModel
import Testing

@testable import OsirisHub

@Suite(.serialized) struct AuditTests {
    private func function(_ result: Int, _ more: [String: Any] = [:]) -> TestFunction {
        .python("f", "def handle():\n    return \(result)\n", more)
    }

    private func records(_ client: Client, _ query: String = "limit=1000") async throws -> [[String: Value]] {
        let answer = try await client.send("GET", "/system/audit?\(query)")
        let page = try Value(plainJSON: Array(answer.body)).mapValue ?? [:]
        return (page["records"]?.listValue ?? []).map { $0.mapValue ?? [:] }
    }

    /// The first thing that is wrong with the log, nil if nothing.
    private func broken(_ client: Client, seen: AuditChain.Head? = nil) async throws -> AuditCheck.Break? {
        var check = AuditCheck(seen: seen)
        do {
            for record in try await records(client) { try check.add(.map(record)) }
            try check.finish()
            return nil
        } catch let fault as AuditCheck.Break { return fault }
    }

    @Test func everyControlCallIsRecorded() async throws {
        try await TestHub.with { hub in
            let client = hub.client
            let secrets = ["KEY": ["value": "very-secret-value", "digest": "hmac-sha256:1"]]
            let put = try await client.send(
                "PUT", "/system/functions", body: function(1, ["secrets": secrets]).body, token: "deploy",
                headers: ["X-Call-Id": "call-1"])
            #expect(put.headers["x-call-id"] == "call-1")
            try await client.wait(for: "f")
            _ = try await client.put(function(2))
            try await client.wait(for: "f", "2") { $0.ready && $0.version == 2 }
            _ = try await client.put(function(2))
            let deletion = #"{"functionName":"f","namespace":"demo"}"#
            for (method, path, body, token) in [
                ("POST", "/system/rollback-function/f?namespace=demo", "{}", "deploy"),
                ("POST", "/system/scale-function/f?namespace=demo", #"{"replicas":77}"#, "deploy"),
                ("POST", "/system/scale-function/f?namespace=demo", #"{"replicas":1}"#, "deploy"),
                ("PUT", "/system/functions", function(3).body, "read"),
                ("PUT", "/system/functions", "{", "nobody"),
                ("GET", "/system/audit", "", "deploy"),
                ("GET", "/system/functions", "", "invoke"),
                ("DELETE", "/system/functions", deletion, "admin"),
                ("GET", "/system/functions", "", "read"),
                ("POST", "/function/demo/f", "", "invoke"),
            ] {
                _ = try await client.send(method, path, body: method == "GET" ? nil : body, token: token)
            }
            let fence = ["Osiris-Lineage": "l-1", "Osiris-Fence": "3"]
            _ = try await client.send("PUT", "/system/fence", headers: fence)
            let log = try await records(client)
            let lines = log.map { record in
                ["caller", "action", "function", "version", "status", "code"].map { key in
                    record[key].map { $0.stringValue ?? $0.intValue.map(String.init) ?? "?" } ?? "-"
                }.joined(separator: " ")
            }
            #expect(
                lines == [
                    "deploy deploy demo/f 1 201 -", "admin deploy demo/f 2 202 -", "admin deploy demo/f - 200 -",
                    "deploy rollback demo/f 3 202 -", "deploy scale demo/f - 400 bad_request",
                    "deploy scale demo/f - 202 -", "read deploy - - 403 forbidden",
                    "unknown deploy - - 401 unauthorized", "deploy GET /system/audit - - 403 forbidden",
                    "invoke GET /system/functions - - 403 forbidden", "admin delete demo/f - 202 -",
                    "admin fence - - 200 -",
                ])
            #expect(log[0]["call"] == "call-1" && log[0]["client"] == "127.0.0.1" && log[0]["role"] == "deploy")
            #expect(log[0]["digest"]?.stringValue?.hasPrefix("sha256:") == true)
            #expect(log[3]["digest"] == log[0]["digest"] && log[2]["digest"] == log[1]["digest"])
            #expect(abs((log[0]["time"]?.intValue ?? 0) - Int(Date().timeIntervalSince1970 * 1000)) < 600_000)
            #expect(!"\(log)".contains("very-secret-value"))
            #expect(try await broken(client) == nil)
            #expect(try await records(client, "from=3&limit=2").compactMap { $0["seq"]?.intValue } == [3, 4])
            for query in ["from=0", "limit=1001", "limit=x"] {
                #expect(try await client.send("GET", "/system/audit?\(query)").status == 400)
            }
        }
    }

    @Test func strangersCannotFillTheLog() async throws {
        try await TestHub.with { hub in
            for _ in 0..<70 { _ = try await hub.client.send("PUT", "/system/functions", body: "{", token: "nobody") }
            // Two minutes at most, if the clock turns over in between.
            let count = try await records(hub.client).count
            #expect((RefusalBound.perMinute...2 * RefusalBound.perMinute).contains(count), "\(count)")
        }
    }

    @Test func theLogGoesOnOverARestart() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for number in 1...3 {
            try await TestHub.with(folder: folder) { hub in
                _ = try await hub.client.put(function(number))
                #expect(try await records(hub.client).count == number)
                #expect(try await broken(hub.client) == nil)
            }
        }
    }

    /// Somebody with the right to write the file changes it while the hub is down.
    @Test(arguments: [
        ("UPDATE audit SET record = replace(record, 'admin', 'nobody') WHERE seq = 3", 3),
        ("UPDATE audit SET record = '{bad json' WHERE seq = 3", 3),
        ("UPDATE audit SET record = x'ff00' WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 3", 4),
        ("DELETE FROM audit WHERE seq < 3", 3),
        (
            """
            UPDATE audit SET seq = -seq WHERE seq IN (2, 3); UPDATE audit SET seq = 3 WHERE seq = -2;
            UPDATE audit SET seq = 2 WHERE seq = -3
            """, 3
        ),
        ("DELETE FROM audit WHERE seq > 3", 4),
    ])
    func tamperingIsFound(sql: String, seq: Int) async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var head = AuditChain.Head.beginning
        try await TestHub.with(folder: folder) { hub in
            for number in 1...5 { _ = try await hub.client.put(function(number)) }
            let last = try await records(hub.client).last ?? [:]
            head = AuditChain.Head(seq: last["seq"]?.intValue ?? 0, hash: last["hash"]?.stringValue ?? "")
        }
        #expect(head.seq == 5)
        let queue = try DatabaseQueue(path: folder + "/catalog.db")
        try await queue.write { try $0.execute(sql: sql) }
        try queue.close()
        try await TestHub.with(folder: folder) { hub in
            let fault = try await broken(hub.client, seen: head)
            #expect(fault?.seq == seq, "\(String(describing: fault))")
        }
    }

    @Test func theOldestRecordsGoAndTheChainStaysWhole() async throws {
        let queue = try DatabaseQueue()
        var migrator = DatabaseMigrator()
        SQLiteCatalog.registerAudit(&migrator)
        try migrator.migrate(queue)
        var heads: [AuditChain.Head] = []
        for number in 1...250 {
            try await queue.write { database in
                let entry = AuditEntry(
                    time: number, caller: "admin", role: "admin", client: "", action: "deploy", call: "c\(number)")
                try SQLiteCatalog.append(entry, to: database, most: 50, removal: 10)
            }
            let texts = try await queue.read {
                try String.fetchAll($0, sql: "SELECT record FROM audit ORDER BY seq")
            }
            #expect(texts.count <= 51)
            var check = AuditCheck(seen: heads.dropLast(3).last)
            for text in texts { try check.add(Value(plainJSON: Array(text.utf8))) }
            try check.finish()
            heads.append(check.head)
        }
        #expect(heads.last?.seq ?? 0 > 250)
    }
}
