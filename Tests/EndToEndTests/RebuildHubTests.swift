import Foundation
import Testing

/// A lost state of a real hub process with functions and a secret.
@Suite(.serialized)
struct RebuildHubTests {
    private let scratch: Scratch
    private static let secret = ["CANARY": "canary-of-the-hub"]

    init() throws {
        scratch = try Scratch()
        for item in ["cluster.yaml", "functions"] {
            try FileManager.default.copyItem(
                at: Program.root.appendingPathComponent("examples/quickstart/\(item)"),
                to: scratch.url.appendingPathComponent(item))
        }
        try scratch.edit("cluster.yaml", "port: 8080", "port: \(try freePort())")
        try scratch.edit(
            "cluster.yaml", "greeting: {type: string, default: hi}",
            """
            greeting: {type: string, default: hi}
                key: {type: string, secret: true, from: env:CANARY}
            """)
        try scratch.edit(
            "cluster.yaml", "      env: {GREETING:", "      secrets: {KEY: \"${var.key}\"}\n      env: {GREETING:")
    }

    private func osiris(_ arguments: String...) async throws -> Program.Answer {
        try await Program.Running(arguments, environment: Self.secret, in: scratch.url).wait()
    }

    private func hubPid(_ target: String = "here") throws -> Int32 {
        let text = try scratch.read(".osiris/hubs/\(target)/hub.pid")
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        return Int32(try #require(fields["pid"] as? Int))
    }

    private func remove(_ name: String) throws {
        try FileManager.default.removeItem(at: scratch.url.appendingPathComponent(name))
    }

    /// Runs a test with everything applied and leaves no hub behind, however it ends.
    private func applied(_ test: () async throws -> Void) async throws {
        let first = try await osiris("apply", "--auto-approve")
        try #require(first.status == 0, "\(first)")
        let pids = try hubPid()
        let result: Result<Void, any Error>
        do { result = .success(try await test()) } catch { result = .failure(error) }
        let end = try await osiris("destroy", "--auto-approve")
        if end.status != 0 { kill((try? hubPid()) ?? pids, SIGKILL) }
        try result.get()
    }

    @Test func withTheKeyNothingHasToBeDone() async throws {
        try await applied {
            let pid = try hubPid()
            let before = try await osiris("state", "export").json as? [String: Any]
            try remove(".osiris/state.db")
            let rebuilt = try await osiris("state", "rebuild", "--auto-approve")
            #expect(rebuilt.status == 0 && rebuilt.err.isEmpty, "\(rebuilt)")
            let plan = try await osiris("plan", "--detailed-exitcode")
            #expect(plan.status == 0, "\(plan)")
            let after = try await osiris("state", "export").json as? [String: Any]
            #expect(after?["lineage"] as? String == before?["lineage"] as? String)
            #expect(
                NSArray(array: after?["resources"] as? [Any] ?? [])
                    == NSArray(array: before?["resources"] as? [Any] ?? []))
            #expect(try hubPid() == pid)
            #expect(try await osiris("functions", "call", "demo/hello").out == "{\"greeting\":\"hi world\"}\n")
            for file in scratch.files() where !file.contains("/secrets") {
                let bytes = try Data(contentsOf: scratch.url.appendingPathComponent(file))
                #expect(bytes.range(of: Data(Self.secret["CANARY"]!.utf8)) == nil, "\(file) holds the secret")
            }
        }
    }

    /// The hub's own copy of its token stays under the old key until it is updated, and the plan says so.
    @Test func afterARotationAnApplyMakesARebuildPossibleAgain() async throws {
        try await applied {
            let token = try await osiris("hub", "token", "--role", "admin").out
            #expect(try await osiris("state", "rotate-key", "--json").out == "{\"resealed\":1}\n")
            let plan = try await osiris("plan", "--detailed-exitcode")
            #expect(plan.status == 2 && plan.out.contains("the state's key was changed"), "\(plan)")
            #expect(plan.out.contains("1 to update"), "\(plan)")
            #expect(try await osiris("apply", "--auto-approve").status == 0)
            #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
            try remove(".osiris/state.db")
            let rebuilt = try await osiris("state", "rebuild", "--auto-approve")
            #expect(rebuilt.status == 0, "\(rebuilt)")
            #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
            #expect(try await osiris("hub", "token", "--role", "admin").out == token)
        }
    }

    @Test func withoutTheKeyTheHubGetsANewToken() async throws {
        try await applied {
            let token = try await osiris("hub", "token", "--role", "admin").out
            try remove(".osiris/state.db")
            try remove(".osiris/key")
            let rebuilt = try await osiris("state", "rebuild", "--auto-approve")
            // Recorded, but not whole: nobody can say which functions the hub has.
            #expect(rebuilt.status == 1 && rebuilt.err.contains("key is lost"), "\(rebuilt)")
            #expect(!scratch.files().contains(".osiris/key"), "a key was made for nothing")
            #expect(try await osiris("state", "list").out.contains("incomplete"))
            let planned = try await osiris("plan", "--json")
            let changes = try #require((try planned.json as? [String: Any])?["changes"] as? [[String: Any]])
            let updates = changes.filter { $0["action"] as? String == "update" }
            #expect(updates.map { $0["address"] as? String } == ["here/hub.here"], "\(planned)")
            #expect((updates.first?["reason"] as? String)?.contains("its token is lost") == true, "\(planned)")
            #expect(changes.allSatisfy { ["update", "create"].contains($0["action"] as? String) })
            // The functions go on answering until the apply, and after it.
            let healed = try await osiris("apply", "--auto-approve")
            #expect(healed.status == 0, "\(healed)")
            let plan = try await osiris("plan", "--detailed-exitcode")
            #expect(plan.status == 0, "\(plan)")
            #expect(try await osiris("hub", "token", "--role", "admin").out != token)
            #expect(try await osiris("functions", "call", "demo/hello").out == "{\"greeting\":\"hi world\"}\n")
            // The new token is in the mark as well.
            try remove(".osiris/state.db")
            #expect(try await osiris("state", "rebuild", "--auto-approve").err.isEmpty)
            #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
        }
    }

    @Test func aHubThatLeftTheManifestIsFoundAndDeleted() async throws {
        try await applied {
            let pid = try hubPid()
            try remove(".osiris/state.db")
            try scratch.edit("cluster.yaml", "- name: here", "- name: there")
            #expect(try await osiris("state", "rebuild", "--auto-approve").status == 0)
            let planned = try await osiris("plan", "--json")
            let changes = try #require((try planned.json as? [String: Any])?["changes"] as? [[String: Any]])
            let deleted = changes.filter { $0["action"] as? String == "delete" }.compactMap { $0["address"] as? String }
            #expect(deleted.contains("here/hub.here") && deleted.count == 4, "\(planned)")
            #expect(try await osiris("apply", "--auto-approve").status == 0)
            #expect(await eventually { !isAlive(pid) })
            #expect(try hubPid("there") != pid)
        }
    }

    @Test func aStoppedHubIsNamedAndTheRestRecordedOnRequest() async throws {
        try await applied {
            let pid = try hubPid()
            kill(pid, SIGKILL)
            #expect(await eventually { !isAlive(pid) })
            try remove(".osiris/state.db")
            let refused = try await osiris("state", "rebuild", "--auto-approve")
            #expect(refused.status == 1 && refused.err.contains("here/hub.here cannot be searched"), "\(refused)")
            #expect(!scratch.files().contains(".osiris/state.db"))
            let partial = try await osiris("state", "rebuild", "--auto-approve", "--partial")
            #expect(partial.status == 1 && partial.out.contains("Recorded 1 resource"), "\(partial)")
            #expect(try await osiris("apply", "--auto-approve").status == 0)
            #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
            #expect(try await osiris("functions", "call", "demo/hello").out == "{\"greeting\":\"hi world\"}\n")
        }
    }
}
