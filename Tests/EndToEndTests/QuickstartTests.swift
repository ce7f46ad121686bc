import Foundation
import Testing

/// The README's first steps, against a real hub process on loopback.
@Suite(.serialized)
struct QuickstartTests {
    private let scratch: Scratch
    private let port: Int

    init() throws {
        scratch = try Scratch()
        port = try freePort()
        for item in ["cluster.yaml", "functions"] {
            try FileManager.default.copyItem(
                at: Program.root.appendingPathComponent("examples/quickstart/\(item)"),
                to: scratch.url.appendingPathComponent(item))
        }
        try scratch.edit("cluster.yaml", "port: 8080", "port: \(port)")
    }

    private func osiris(_ arguments: String...) throws -> Program.Answer {
        try Program.Running(arguments, in: scratch.url).wait()
    }

    private func hubPid() throws -> Int32 {
        let text = try scratch.read(".osiris/hubs/here/hub.pid")
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        return Int32(try #require(fields["pid"] as? Int))
    }

    private func isAlive(_ pid: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return !stat.contains(") Z ")
    }

    @Test func applyCallChangeHealDestroy() throws {
        defer { _ = try? osiris("destroy", "--auto-approve") }
        let applied = try osiris("apply", "--auto-approve")
        #expect(applied.status == 0, "\(applied)")

        // The function answers, through the CLI and to any HTTP client with the token.
        let called = try osiris("functions", "call", "demo/hello", "--data", "{\"name\":\"Ada\"}")
        #expect(called.out == "{\"greeting\":\"hi Ada\"}\n", "\(called)")
        let token = try osiris("hub", "token", "--role", "invoke").out.trimmingCharacters(in: .newlines)
        #expect(
            try http(path: "/function/demo/primes", token: token, body: "{\"number\": 360}").contains("[2,2,2,3,3,5]"))
        let hubs = try #require(try osiris("hub", "info", "--json").json as? [[String: Any]])
        #expect(hubs.first?["ready"] as? Bool == true)

        // Nothing to do.
        let second = try osiris("plan", "--detailed-exitcode")
        #expect(second.status == 0, "\(second)")

        // One changed env value: one update, with its line.
        let line =
            try scratch.read("cluster.yaml").split(separator: "\n", omittingEmptySubsequences: false)
            .firstIndex { $0.contains("GREETING:") }! + 1
        try scratch.edit("cluster.yaml", "default: hi", "default: hello")
        let changed = try osiris("plan", "--detailed-exitcode", "--json")
        #expect(changed.status == 2, "\(changed)")
        let plan = try #require(try changed.json as? [String: Any])
        let changes = try #require(plan["changes"] as? [[String: Any]])
        #expect(changes.count == 1)
        #expect(changes.first?["action"] as? String == "update")
        #expect((changes.first?["source"] as? [String: Any])?["line"] as? Int == line)
        #expect(try osiris("apply", "--auto-approve").status == 0)
        #expect(try osiris("functions", "call", "demo/hello").out == "{\"greeting\":\"hello world\"}\n")

        // A killed hub is drift, apart from intent, and apply heals it.
        let pid = try hubPid()
        #expect(kill(pid, SIGKILL) == 0)
        #expect(eventually { !isAlive(pid) })
        let drifted = try osiris("plan", "--json")
        let drift = try #require((try drifted.json as? [String: Any])?["drift"] as? [[String: Any]])
        #expect(drift.contains { $0["address"] as? String == "here/hub.here" }, "\(drifted)")
        #expect(try osiris("drift").status == 2)
        let healed = try osiris("apply", "--auto-approve")
        #expect(healed.status == 0, "\(healed)")
        #expect(try osiris("functions", "call", "demo/hello").out == "{\"greeting\":\"hello world\"}\n")
        #expect(try osiris("plan", "--detailed-exitcode").status == 0)

        // Destroy leaves the state's history and nothing else.
        let last = try hubPid()
        let destroyed = try osiris("destroy", "--auto-approve")
        #expect(destroyed.status == 0, "\(destroyed)")
        #expect(eventually { !isAlive(last) })
        let left = scratch.files().filter { $0.hasPrefix(".osiris") }
        #expect(left == [".osiris/state.db"])
        #expect(try osiris("state", "history").out.contains("destroy"))
    }

    @Test func aSecretReachesTheFunctionAndNothingElse() throws {
        defer { _ = try? osiris("destroy", "--auto-approve") }
        let canary = "canary-\(UUID().uuidString)"
        try scratch.edit(
            "cluster.yaml", "greeting: {type: string, default: hi}",
            """
            greeting: {type: string, default: hi}
                key: {type: string, secret: true, from: env:CANARY}
            """)
        try scratch.edit(
            "cluster.yaml", "      env: {GREETING:", "      secrets: {KEY: \"${var.key}\"}\n      env: {GREETING:")
        try scratch.edit("functions/hello/hello.py", "f\"{os", "os.environ['KEY'][:6] + f\"{os")
        try scratch.edit(
            "cluster.yaml", "      smoke: {input: {name: Ada}, expect: {greeting: \"${var.greeting} Ada\"}}\n", "")
        let applied = try Program.run("apply", "--auto-approve", environment: ["CANARY": canary], in: scratch.url)
        #expect(applied.status == 0, "\(applied)")
        #expect(try osiris("functions", "call", "demo/hello").out.contains("canary"))
        let planned = try Program.run(
            "plan", "--out", "saved.plan", "--verbose", environment: ["CANARY": canary + "x"], in: scratch.url)
        let exported = try osiris("state", "export")
        let command = try String(contentsOfFile: "/proc/\(try hubPid())/cmdline", encoding: .utf8)
        for text in [applied.out, applied.err, planned.out, planned.err, exported.out, command] {
            #expect(!text.contains(canary))
        }
        for file in scratch.files() where !file.contains("secrets") {
            let bytes = try Data(contentsOf: scratch.url.appendingPathComponent(file))
            #expect(bytes.range(of: Data(canary.utf8)) == nil, "\(file) holds the secret")
        }
    }

    private func http(path: String, token: String, body: String) throws -> String {
        let curl = Process()
        curl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        curl.arguments = [
            "curl", "-s", "-H", "Authorization: Bearer \(token)", "-d", body, "http://127.0.0.1:\(port)\(path)",
        ]
        let pipe = Pipe()
        curl.standardOutput = pipe
        try curl.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        curl.waitUntilExit()
        return String(decoding: data, as: UTF8.self).replacingOccurrences(of: " ", with: "")
    }
}
