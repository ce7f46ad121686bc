import Foundation
import Testing

/// Renames by the built program: nothing is deleted, made or restarted for another name.
struct MoveTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func osiris(_ arguments: String...) async throws -> Program.Answer {
        try await Program.Running(arguments, in: scratch.url).wait()
    }

    private func write(_ targets: String, more: String = "") throws {
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: moving}
            spec:
              functions:
                - {name: echo, namespace: demo, runtime: command, command: [cat]}
              targets:
                - \(targets)
            \(more)
            """, to: "cluster.yaml")
    }

    private func fleet(_ name: String, moved: String = "", latency: String = "0s") throws {
        try write(
            "{name: \(name), provider: simulated, machines: {count: 4}, simulate: {latency: \(latency)}}",
            more: moved.isEmpty ? "" : "  moved: [{from: \(moved), to: \(name)}]")
    }

    /// The ids of the store's objects, which a new object would not have.
    private func ids() throws -> Set<String> {
        var alive = Set<String>()
        for line in try scratch.read(".osiris/simulated/old.jsonl").split(separator: "\n") {
            let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard let id = fields["id"] as? String else { continue }
            if fields["op"] as? String == "delete" { alive.remove(id) } else { alive.insert(id) }
        }
        return alive
    }

    private func expectDone(_ target: String, _ before: Set<String>, _ hint: String = "") async throws {
        let plan = try await osiris("plan", "--detailed-exitcode")
        #expect(plan.status == 0, "\(hint) \(plan)")
        #expect(try ids() == before, "\(hint) an object was lost or made")
        let list = try await osiris("state", "list", "--json")
        let addresses = try #require(try list.json as? [String])
        #expect(addresses.count == 20 && addresses.allSatisfy { $0.hasPrefix("\(target)/") }, "\(hint) \(addresses)")
    }

    @Test func aTargetIsRenamedAndFoundAgainAfterALoss() async throws {
        try fleet("old")
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        let before = try ids()
        try fleet("new", moved: "old")
        let plan = try await osiris("plan", "--json")
        let document = try #require(try plan.json as? [String: Any])
        let summary = try #require(document["summary"] as? [String: Int])
        #expect(summary == ["create": 0, "update": 0, "replace": 0, "delete": 0, "move": 20, "noop": 0])
        let text = try await osiris("plan", "--concise")
        #expect(text.out.contains("Plan: 20 to rename; 0 unchanged."), "\(text)")
        for format in ["markdown", "dot", "mermaid", "html"] {
            let shown = try await osiris("plan", "--format", format)
            #expect(shown.status == 0 && shown.out.contains("new/"), "\(format): \(shown)")
        }
        let apply = try await osiris("apply", "--auto-approve")
        #expect(apply.status == 0 && apply.out.contains("20 renamed"), "\(apply)")
        try await expectDone("new", before)
        let history = try await osiris("state", "history", "2")
        #expect(history.out.contains("moved from old/hub.m0001") && history.out.contains("moved to new/hub.m0001"))

        // The entry may stay, or go; and the marks say the new names.
        try fleet("new")
        try await expectDone("new", before)
        try FileManager.default.removeItem(at: scratch.url.appendingPathComponent(".osiris/state.db"))
        let rebuilt = try await osiris("state", "rebuild", "--auto-approve")
        #expect(rebuilt.status == 0 && rebuilt.out.contains("Found 20 resources"), "\(rebuilt)")
        try await expectDone("new", before)
    }

    @Test func stateMvRenamesOnceAndRefusesWhatItCannotDo() async throws {
        try fleet("old")
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        let before = try ids()
        let early = try await osiris("state", "mv", "old", "new", "--auto-approve")
        #expect(early.status == 3 && early.err.contains("OSR0124"), "\(early)")
        try fleet("new")
        let asked = try await osiris("state", "mv", "old", "new")
        #expect(asked.status == 1 && asked.err.contains("--auto-approve"), "\(asked)")
        let moved = try await osiris("state", "mv", "old", "new", "--auto-approve", "--json")
        #expect(moved.status == 0, "\(moved)")
        let last = try #require(moved.out.split(separator: "\n").last)
        let end = try #require(try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any])
        #expect((end["succeeded"] as? [String: Int])?["move"] == 20 && end["complete"] as? Bool == true)
        try await expectDone("new", before)
        let again = try await osiris("state", "mv", "old", "new", "--auto-approve")
        #expect(again.status == 1 && again.err.contains("OSR0307"), "\(again)")
        try scratch.edit("cluster.yaml", "name: echo", "name: other")
        let function = try await osiris("state", "mv", "demo/echo", "demo/other", "--auto-approve")
        #expect(function.status == 1 && function.err.contains("OSR0315"), "\(function)")
    }

    /// Killed after so many lines of the store, and finished by the next apply.
    @Test(arguments: [1, 3, 7, 12, 19]) func aKilledRenameIsFinished(lines: Int) async throws {
        try fleet("old")
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        let before = try ids()
        try fleet("new", moved: "old", latency: "20ms")
        let store = scratch.url.appendingPathComponent(".osiris/simulated/old.jsonl").path
        @Sendable func moves() -> Int {
            let text = (try? String(contentsOfFile: store, encoding: .utf8)) ?? ""
            return text.components(separatedBy: "\"op\":\"move\"").count - 1
        }
        let running = try Program.Running(["apply", "--auto-approve", "--parallelism", "3"], in: scratch.url)
        _ = await eventually(within: 60) {
            moves() >= lines || !running.process.isRunning
        } then: {
            kill(running.process.processIdentifier, SIGKILL)
        }
        _ = try await running.wait()
        let plan = try await osiris("plan")
        #expect(plan.status == 0 && !plan.out.contains("create") && !plan.out.contains("delete"), "\(lines): \(plan)")
        let finished = try await osiris("apply", "--auto-approve")
        #expect(finished.status == 0, "\(lines): \(finished)")
        try await expectDone("new", before, "killed after \(lines):")
        let export = try await osiris("state", "export")
        #expect(export.out.contains("\"intents\": []"), "\(lines): \(export)")
    }

    @Test func aLocalHubGoesOnAsTheSameProcess() async throws {
        let port = try freePort()
        try write("{name: here, provider: local, port: \(port)}")
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        let process = try scratch.read(".osiris/hubs/here/hub.pid")
        let instance = try await osiris("functions", "describe", "demo/echo", "--json")
        try write("{name: there, provider: local, port: \(port)}", more: "  moved: [{from: here, to: there}]")
        let apply = try await osiris("apply", "--auto-approve")
        #expect(apply.status == 0 && apply.out.contains("2 renamed"), "\(apply)")
        #expect(try scratch.read(".osiris/hubs/here/hub.pid") == process, "the hub was started again")
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
        let after = try await osiris("functions", "describe", "demo/echo", "--json")
        #expect(after.status == 0 && instance.status == 0, "\(after)")
        #expect(Self.same(instance, after, "version") && Self.same(instance, after, "id"), "\(instance)\n\(after)")
        try FileManager.default.removeItem(at: scratch.url.appendingPathComponent(".osiris/state.db"))
        let rebuilt = try await osiris("state", "rebuild", "--auto-approve")
        #expect(rebuilt.status == 0 && rebuilt.out.contains("there/function.there.demo.echo"), "\(rebuilt)")
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
        let destroyed = try await osiris("destroy", "--auto-approve")
        #expect(destroyed.status == 0, "\(destroyed)")
    }

    /// True if the lines with a key are the same in both answers.
    private static func same(_ before: Program.Answer, _ after: Program.Answer, _ key: String) -> Bool {
        func lines(_ answer: Program.Answer) -> [Substring] {
            answer.out.split(separator: "\n").filter { $0.contains("\"\(key)\"") }
        }
        return !lines(before).isEmpty && lines(before) == lines(after)
    }

    @Test func orphansAreDeletedOnRequest() async throws {
        try fleet("old")
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        let all = try ids()
        let state = scratch.url.appendingPathComponent(".osiris/state.db")
        // An earlier state is put back: what was made after it is in no state.
        try FileManager.default.removeItem(at: state)
        try fleet("old", latency: "0s")
        let foreign = try await osiris("orphans", "--delete", "--auto-approve")
        #expect(foreign.status == 1 && foreign.err.contains("--lineage"), "another state made them: \(foreign)")
        #expect(try ids() == all)
        let words = foreign.err.split(whereSeparator: \.isWhitespace).map(String.init)
        let lineage = try #require(words.firstIndex(of: "--lineage").map { words[$0 + 1] })
        try scratch.edit("cluster.yaml", "  targets:", "  safety: {maxDeletes: 1}\n  targets:")
        let limited = try await osiris("orphans", "--delete", "old/hub.m0001", "--lineage", lineage, "--auto-approve")
        #expect(limited.status == 4 && limited.out.contains("OSR0305"), "\(limited)")
        let some = try await osiris(
            "orphans", "--delete", "old/hub.m0001", "--lineage", lineage, "--auto-approve", "--allow-deletes", "2")
        #expect(some.status == 0 && some.out.contains("2 deleted"), "a hub with its function: \(some)")
        #expect(try ids().count == all.count - 2)
        let rest = try await osiris(
            "orphans", "--delete", "--lineage", lineage, "--auto-approve", "--allow-deletes", "18")
        #expect(rest.status == 0, "\(rest)")
        #expect(try ids().isEmpty)
        #expect(try await osiris("orphans").status == 0)
    }
}
