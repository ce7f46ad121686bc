import Foundation
import FoundationNetworking
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

    private func osiris(_ arguments: String...) async throws -> Program.Answer {
        try await Program.Running(arguments, in: scratch.url).wait()
    }

    /// Runs a test and leaves no hub behind, however it ends.
    private func cleaningUp(_ test: () async throws -> Void) async throws {
        let result: Result<Void, any Error>
        do { result = .success(try await test()) } catch { result = .failure(error) }
        _ = try await Program.run("destroy", "--auto-approve", environment: ["CANARY": "-"], in: scratch.url)
        try result.get()
    }

    private func hubPid() throws -> Int32 {
        let text = try scratch.read(".osiris/hubs/here/hub.pid")
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        return Int32(try #require(fields["pid"] as? Int))
    }

    private func asynchronousCalls() async throws {
        let data = ["--data", "{\"name\":\"Ada\"}"]
        let waited = try await Program.Running(
            ["functions", "call", "demo/hello", "--async", "--wait"] + data, in: scratch.url
        ).wait()
        #expect(waited.out == "{\"greeting\":\"hi Ada\"}\n", "\(waited)")
        let sent = try await osiris(
            "functions", "call", "demo/primes", "--async", "--data", "{\"number\": 2305843009213693951}", "--json")
        let id = try #require((sent.json as? [String: Any])?["callId"] as? String, "\(sent)")
        // A prime takes long, and is tried again when its time is up.
        #expect(try await osiris("functions", "result", id).status != 0)
        let canceled = try await osiris("functions", "cancel", id)
        #expect(canceled.out == "canceled \(id)\n", "\(canceled)")
        #expect(try await osiris("functions", "cancel", id).status != 0)
        #expect(try await osiris("functions", "result", "none").err.contains("no hub knows"))
        #expect(try await osiris("functions", "dead-letters", "--json").json as? [String] == [])
    }

    @Test func applyCallChangeHealDestroy() async throws { try await cleaningUp(applyCallChangeHealDestroySteps) }

    private func applyCallChangeHealDestroySteps() async throws {
        let applied = try await osiris("apply", "--auto-approve")
        #expect(applied.status == 0, "\(applied)")

        // The function answers, through the CLI and to any HTTP client with the token.
        let called = try await osiris("functions", "call", "demo/hello", "--data", "{\"name\":\"Ada\"}")
        #expect(called.out == "{\"greeting\":\"hi Ada\"}\n", "\(called)")
        let token = try await osiris("hub", "token", "--role", "invoke").out.trimmingCharacters(in: .newlines)
        #expect(
            try await http(path: "/function/demo/primes", token: token, body: "{\"number\": 360}").contains(
                "[2,2,2,3,3,5]"))
        let hubs = try #require(try await osiris("hub", "info", "--json").json as? [[String: Any]])
        #expect(hubs.first?["ready"] as? Bool == true)

        #expect(try await osiris("functions", "logs", "demo/hello").status == 0)
        try await asynchronousCalls()

        // Nothing to do.
        let second = try await osiris("plan", "--detailed-exitcode")
        #expect(second.status == 0, "\(second)")

        // One changed env value: one update, with its line.
        let line =
            try scratch.read("cluster.yaml").split(separator: "\n", omittingEmptySubsequences: false)
            .firstIndex { $0.contains("GREETING:") }! + 1
        try scratch.edit("cluster.yaml", "default: hi", "default: hello")
        let changed = try await osiris("plan", "--detailed-exitcode", "--json")
        #expect(changed.status == 2, "\(changed)")
        let plan = try #require(try changed.json as? [String: Any])
        let changes = try #require(plan["changes"] as? [[String: Any]])
        #expect(changes.count == 1)
        #expect(changes.first?["action"] as? String == "update")
        #expect((changes.first?["source"] as? [String: Any])?["line"] as? Int == line)
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try await osiris("functions", "call", "demo/hello").out == "{\"greeting\":\"hello world\"}\n")

        // A killed hub is drift, apart from intent, and apply heals it.
        let pid = try hubPid()
        #expect(kill(pid, SIGKILL) == 0)
        #expect(await eventually { !isAlive(pid) })
        let drifted = try await osiris("plan", "--json")
        let drift = try #require((try drifted.json as? [String: Any])?["drift"] as? [[String: Any]])
        #expect(drift.contains { $0["address"] as? String == "here/hub.here" }, "\(drifted)")
        #expect(try await osiris("drift").status == 2)
        let healed = try await osiris("apply", "--auto-approve")
        #expect(healed.status == 0, "\(healed)")
        #expect(try await osiris("functions", "call", "demo/hello").out == "{\"greeting\":\"hello world\"}\n")
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0)

        // Destroy leaves the state's history and nothing else.
        let last = try hubPid()
        let destroyed = try await osiris("destroy", "--auto-approve")
        #expect(destroyed.status == 0, "\(destroyed)")
        #expect(await eventually { !isAlive(last) })
        let left = scratch.files().filter { $0.hasPrefix(".osiris") }
        #expect(left == [".osiris/hubs/.fence-here", ".osiris/state.db"])
        #expect(try await osiris("state", "history").out.contains("destroy"))
    }

    @Test func aSecretReachesTheFunctionAndNothingElse() async throws {
        try await cleaningUp(aSecretReachesTheFunctionAndNothingElseSteps)
    }

    @Test func aDeadHubThatCannotStartIsDestroyed() async throws {
        try await cleaningUp {
            #expect(try await osiris("apply", "--auto-approve").status == 0)
            let pid = try hubPid()
            kill(pid, SIGKILL)
            #expect(await eventually { !isAlive(pid) })
            try scratch.write("no database", to: ".osiris/hubs/here/catalog.db")
            let destroyed = try await osiris("destroy", "--auto-approve")
            #expect(destroyed.status == 0, "\(destroyed)")
            let left = scratch.files().filter { $0.hasPrefix(".osiris") }
            #expect(left == [".osiris/hubs/.fence-here", ".osiris/state.db"])
        }
    }

    @Test func aHungHubIsHealedAndARenamedTargetKeepsItsPort() async throws {
        try await cleaningUp {
            #expect(try await osiris("apply", "--auto-approve").status == 0)
            let pid = try hubPid()
            kill(pid, SIGSTOP)
            let drift = try await osiris("drift")
            #expect(drift.status == 2 && drift.out.contains("unresponsive"), "\(drift)")
            let healed = try await osiris("apply", "--auto-approve")
            #expect(healed.status == 0, "\(healed)")
            #expect(!isAlive(pid))
            // The old hub gives the port up before the new one takes it.
            try scratch.edit("cluster.yaml", "- name: here", "- name: there")
            let renamed = try await osiris("apply", "--auto-approve")
            #expect(renamed.status == 0, "\(renamed)")
            #expect(try await osiris("functions", "call", "demo/hello").out == "{\"greeting\":\"hi world\"}\n")
            #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
        }
    }

    @Test func twoHubsOnOnePortAreRefused() async throws {
        try scratch.edit("cluster.yaml", "    - name: here", "    - {name: there, provider: local}\n    - name: here")
        let answer = try await osiris("validate")
        #expect(answer.status == 3 && answer.err.contains("OSR0312"), "\(answer)")
    }

    private func aSecretReachesTheFunctionAndNothingElseSteps() async throws {
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
        let applied = try await Program.run("apply", "--auto-approve", environment: ["CANARY": canary], in: scratch.url)
        #expect(applied.status == 0, "\(applied)")
        #expect(try await osiris("functions", "call", "demo/hello").out.contains("canary"))
        let planned = try await Program.run(
            "plan", "--out", "saved.plan", "--verbose", environment: ["CANARY": canary + "x"], in: scratch.url)
        let exported = try await osiris("state", "export")
        let command = try String(contentsOfFile: "/proc/\(try hubPid())/cmdline", encoding: .utf8)
        for text in [applied.out, applied.err, planned.out, planned.err, exported.out, command] {
            #expect(!text.contains(canary))
        }
        for file in scratch.files() where !file.contains("secrets") {
            let bytes = try Data(contentsOf: scratch.url.appendingPathComponent(file))
            #expect(bytes.range(of: Data(canary.utf8)) == nil, "\(file) holds the secret")
        }
    }

    private func http(path: String, token: String, body: String) async throws -> String {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)\(path)")))
        request.httpMethod = "POST"
        request.httpBody = Data(body.utf8)
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        let (data, _) = try await URLSession.shared.data(for: request)
        return String(decoding: data, as: UTF8.self).replacingOccurrences(of: " ", with: "")
    }
}
