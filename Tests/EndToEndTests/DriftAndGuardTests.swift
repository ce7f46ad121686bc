import Foundation
import Testing

/// Drift apart from intent, what a plan is guarded by, and what exists without being recorded: on a simulated cluster.
struct DriftAndGuardTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: guarded}
            spec:
              functions:
                - {name: echo, namespace: demo, runtime: command, command: [cat], env: {LEVEL: low}}
              safety: {maxDeletes: 3, protect: ["fleet/machine.*"]}
              targets:
                - name: fleet
                  provider: simulated
                  machines: {count: 2}
                  simulate: {store: sim.jsonl}

            """, to: "cluster.yaml")
    }

    private func osiris(_ arguments: String...) async throws -> Program.Answer {
        try await Program.Running(arguments, in: scratch.url).wait()
    }

    /// Every file below with its content.
    private func everything() throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in scratch.files() { found[name] = try Data(contentsOf: scratch.url.appendingPathComponent(name)) }
        return found
    }

    private func count(_ answer: Program.Answer, _ key: String) throws -> Int {
        let document = try #require(try answer.json as? [String: Any])
        return try #require(document[key] as? [Any]).count
    }

    @Test func driftReadsOnlyAndRefreshOnlyRecordsIt() async throws {
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try await osiris("drift").status == 0)
        // Somebody changes one function, and removes a hub with what is on it.
        let lines = try scratch.read("sim.jsonl").split(separator: "\n")
        let hub = try #require(lines.first { $0.contains("fleet/hub.m0002") && $0.contains("\"create\"") })
        var gone = try #require(try JSONSerialization.jsonObject(with: Data(hub.utf8)) as? [String: Any])
        gone["op"] = "delete"
        gone["token"] = "outside"
        let changed = lines.map {
            $0.contains("function.m0001") ? $0.replacingOccurrences(of: "\"low\"", with: "\"odd\"") : String($0)
        }
        let store =
            (changed + [String(decoding: try JSONSerialization.data(withJSONObject: gone), as: UTF8.self)])
            .joined(separator: "\n") + "\n"
        try scratch.write(store, to: "sim.jsonl")

        let before = try everything()
        let drift = try await osiris("drift")
        #expect(drift.status == 2 && drift.out.contains("env.LEVEL: \"low\" → \"odd\""), "\(drift)")
        #expect(drift.out.contains("apply creates it again"), "\(drift)")
        let document = try await osiris("drift", "--json")
        #expect(document.status == 2)
        #expect(try count(document, "drift") == 3 && count(document, "changes") == 0)
        #expect(try everything() == before, "drift must write nothing")

        let asked = try await osiris("apply", "--refresh-only")
        #expect(asked.status == 1 && asked.err.contains("--auto-approve"), "\(asked)")
        #expect(try await osiris("drift").status == 2, "nobody approved it")
        let recorded = try await osiris("apply", "--refresh-only", "--auto-approve")
        #expect(recorded.status == 0 && recorded.out.contains("Recorded 3 resources"), "\(recorded)")
        #expect(try scratch.read("sim.jsonl").hasPrefix(store), "what exists is as it was")
        #expect(try await osiris("drift").status == 0, "it is recorded")
        let listed = try await osiris("state", "list", "--json")
        #expect(!listed.out.contains("hub.m0002") && listed.out.contains("hub.m0001"), "\(listed)")
        // What is recorded is not what is wanted: the plan says so, as a change of the manifest's making.
        let plan = try await osiris("plan", "--json")
        #expect(try count(plan, "drift") == 0 && count(plan, "changes") == 3, "\(plan)")
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
        #expect(try await osiris("apply", "--refresh-only", "--auto-approve").status == 0, "nothing to record")
        #expect(try await osiris("apply", "--refresh-only", "--no-refresh").status == 64)
    }

    @Test func whatSafetyForbidsIsAllowedOnceAndExactly() async throws {
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        try scratch.edit("cluster.yaml", "count: 2", "count: 1")
        let refused = try await osiris("apply", "--auto-approve")
        #expect(refused.status == 4, "\(refused)")
        for words in ["OSR0305", "OSR0306", "--allow-deletes 5", "--allow-protected fleet/machine.m0002"] {
            #expect(refused.out.contains(words), "\(refused)")
        }
        let protected = "fleet/machine.m0002"
        for wrong in [
            ["--allow-deletes", "5"], ["--allow-protected", protected],
            ["--allow-deletes", "6", "--allow-protected", protected],
            ["--allow-deletes", "4", "--allow-protected", protected],
            ["--allow-deletes", "5", "--allow-protected", "fleet/machine.m0001"],
        ] {
            let answer = try await Program.Running(["apply", "--auto-approve"] + wrong, in: scratch.url).wait()
            #expect(answer.status == 4, "\(wrong): \(answer)")
        }
        #expect(try await osiris("apply", "--allow-protected", "fleet").status == 64)
        #expect(try simulatedObjects(scratch.url.appendingPathComponent("sim.jsonl")).count == 10)
        let once = try await osiris("apply", "--auto-approve", "--allow-deletes", "5", "--allow-protected", protected)
        #expect(once.status == 0, "\(once)")
        #expect(try simulatedObjects(scratch.url.appendingPathComponent("sim.jsonl")).count == 5)
    }

    @Test func anEmptyOrVanishedManifestDeletesNothing() async throws {
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        let manifest = try scratch.read("cluster.yaml")
        let objects = { try simulatedObjects(scratch.url.appendingPathComponent("sim.jsonl")).count }
        try scratch.write(
            "apiVersion: osiris.dev/v1\nkind: Cluster\nmetadata: {name: guarded}\nspec: {targets: []}\n",
            to: "cluster.yaml")
        let empty = try await osiris("apply", "--auto-approve", "--allow-deletes", "10")
        #expect(empty.status == 4 && empty.out.contains("OSR0308"), "\(empty)")
        for text in ["", "---\n", "# nothing\n"] {
            try scratch.write(text, to: "cluster.yaml")
            #expect(try await osiris("apply", "--auto-approve").status == 3, "\(text)")
        }
        try FileManager.default.removeItem(at: scratch.url.appendingPathComponent("cluster.yaml"))
        #expect(try await osiris("apply", "--auto-approve").status == 3)
        #expect(try await osiris("apply", "--auto-approve", "-f", "cluster.yaml").status == 3)
        #expect(try objects() == 10)
        try scratch.write(manifest, to: "cluster.yaml")
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
    }

    @Test func orphansAreListedAndGoOnlyOnRequest() async throws {
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try await osiris("orphans").status == 0)
        // A state that was put back: it knows one machine less than there are.
        try scratch.edit("cluster.yaml", "count: 2", "count: 3")
        for name in ["state.db", "state.db-wal", "state.db-shm"] {
            let file = scratch.url.path + "/.osiris/" + name
            if FileManager.default.fileExists(atPath: file) {
                try FileManager.default.copyItem(atPath: file, toPath: file + ".kept")
            }
        }
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        for name in ["state.db", "state.db-wal", "state.db-shm"] {
            let file = scratch.url.path + "/.osiris/" + name
            try? FileManager.default.removeItem(atPath: file)
            if FileManager.default.fileExists(atPath: file + ".kept") {
                try FileManager.default.moveItem(atPath: file + ".kept", toPath: file)
            }
        }
        try scratch.edit("cluster.yaml", "count: 3", "count: 2")
        try scratch.edit("cluster.yaml", "maxDeletes: 3, protect: [\"fleet/machine.*\"]", "maxDeletes: 9")
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0, "no plan touches what it does not know")
        let before = try everything()
        let listed = try await osiris("orphans", "--json")
        #expect(listed.status == 2, "\(listed)")
        let rows = try #require(try listed.json as? [[String: String]])
        #expect(
            rows.map { $0["address"] } == [
                "fleet/engine.m0003", "fleet/function.m0003.demo.echo", "fleet/hub.m0003", "fleet/image.m0003",
                "fleet/machine.m0003",
            ])
        #expect(rows.allSatisfy { $0["in the manifest"] == "no" && $0["cannot be adopted because"] == "" })
        #expect(try everything() == before, "looking must write nothing")

        #expect(try await osiris("adopt", "fleet/nosuch.*", "--auto-approve").status == 1)
        // With what it lives on.
        let adopted = try await osiris("adopt", "fleet/function.m0003.*", "--auto-approve")
        #expect(adopted.status == 0 && adopted.out.contains("Recorded 5 resources"), "\(adopted)")
        for words in ["- name: \"echo\"", "namespace: \"demo\"", "env: {\"LEVEL\":\"low\"}", "machine m0003"] {
            #expect(adopted.out.contains(words), "\(words): \(adopted)")
        }
        #expect(try await osiris("orphans").status == 0)
        let plan = try await osiris("plan", "--json")
        #expect(try count(plan, "changes") == 5, "\(plan)")
        // The manifest part makes them wanted; without it apply deletes them.
        try scratch.edit("cluster.yaml", "count: 2", "count: 3")
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
        try scratch.edit("cluster.yaml", "count: 3", "count: 2")
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try simulatedObjects(scratch.url.appendingPathComponent("sim.jsonl")).count == 10)
    }

    @Test func oneObjectIsImported() async throws {
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        // An object that somebody else made: no marks, no token of ours.
        let line =
            #"{"op":"create","id":"machine-by-hand","type":"machine","address":"fleet/machine.m0003","token":"hand","attributes":{"id":"machine-by-hand","store":"sim.jsonl","address":"10.9.9.9"}}"#
        try scratch.write(try scratch.read("sim.jsonl") + line + "\n", to: "sim.jsonl")
        let undeclared = try await osiris("import", "fleet/machine.m0003", "machine-by-hand", "--auto-approve")
        #expect(undeclared.status == 1 && undeclared.err.contains("declares no"), "\(undeclared)")
        try scratch.edit("cluster.yaml", "count: 2", "count: 3")
        let wrong = try await osiris("import", "fleet/machine.m0003", "machine-of-nobody", "--auto-approve")
        #expect(wrong.status == 1 && wrong.err.contains("OSR0307"), "\(wrong)")
        let early = try await osiris("import", "fleet/engine.m0003", "x", "--auto-approve")
        #expect(early.status == 1 && early.err.contains("OSR0413"), "\(early)")
        let imported = try await osiris("import", "fleet/machine.m0003", "machine-by-hand", "--auto-approve")
        #expect(imported.status == 0, "\(imported)")
        let again = try await osiris("import", "fleet/machine.m0003", "machine-by-hand", "--auto-approve")
        #expect(again.status == 1 && again.err.contains("already"), "\(again)")
        let plan = try await osiris("plan", "--json")
        #expect(!plan.out.contains("\"fleet/machine.m0003\",\n      \"attributes\""), "\(plan)")
        let changes = try #require((try plan.json as? [String: Any])?["changes"] as? [[String: Any]])
        #expect(!changes.contains { $0["address"] as? String == "fleet/machine.m0003" }, "\(changes)")
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
    }
}
