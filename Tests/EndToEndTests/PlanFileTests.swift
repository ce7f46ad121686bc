import Foundation
import Testing

/// Saved plans, refusals, exit codes and the other commands, on a small simulated cluster.
struct PlanFileTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: small}
            spec:
              functions:
                - {name: echo, namespace: demo, runtime: command, command: [cat], env: {LEVEL: low}}
              safety: {maxDeletes: 3}
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

    @Test func aSavedPlanIsAppliedExactly() async throws {
        #expect(try await osiris("plan", "--out", "first.plan").status == 0)
        #expect(!scratch.files().contains { $0.hasPrefix(".osiris") }, "plan must write nothing")
        let shown = try await osiris("show", "first.plan")
        #expect(shown.out.contains("10 to create"), "\(shown)")
        // Saving it was the approval: nobody is asked.
        let applied = try await osiris("apply", "first.plan")
        #expect(applied.status == 0, "\(applied)")
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
        // Its base has moved on: the same plan is refused now, before any write.
        let before = try scratch.read("sim.jsonl")
        let stale = try await osiris("apply", "first.plan", "--auto-approve")
        #expect(stale.status == 4 && stale.err.contains("OSR0310"), "\(stale)")
        #expect(try scratch.read("sim.jsonl") == before)
    }

    @Test func anEditedPlanIsRefused() async throws {
        #expect(try await osiris("plan", "--out", "first.plan").status == 0)
        try scratch.edit("first.plan", "m0002", "m0003")
        let answer = try await osiris("apply", "first.plan")
        #expect(answer.status == 1 && answer.err.contains("OSR0309"), "\(answer)")
        #expect(!scratch.files().contains { $0.hasPrefix(".osiris") })
    }

    @Test func aPlanGoesStaleWithManifestAndFacts() async throws {
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        try scratch.edit("cluster.yaml", "LEVEL: low", "LEVEL: high")
        #expect(try await osiris("plan", "--out", "change.plan").status == 0)
        try scratch.edit("cluster.yaml", "LEVEL: high", "LEVEL: higher")
        #expect(try await osiris("apply", "change.plan", "--auto-approve").status == 4)
        try scratch.edit("cluster.yaml", "LEVEL: higher", "LEVEL: high")
        // Somebody changes what the plan is about.
        let store = try scratch.read("sim.jsonl")
        try scratch.write(
            store.replacingOccurrences(of: "\"LEVEL\":\"low\"", with: "\"LEVEL\":\"odd\""), to: "sim.jsonl")
        let answer = try await osiris("apply", "change.plan", "--auto-approve")
        #expect(answer.status == 4 && answer.err.contains("OSR0310"), "\(answer)")
    }

    @Test func driftIsApartFromIntentAndEditingTheStoreIsDrift() async throws {
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try await osiris("drift").status == 0)
        let store = try scratch.read("sim.jsonl")
        try scratch.write(
            store.replacingOccurrences(of: "\"LEVEL\":\"low\"", with: "\"LEVEL\":\"odd\""), to: "sim.jsonl")
        let drift = try await osiris("drift", "--json")
        #expect(drift.status == 2)
        let found = try #require((try drift.json as? [String: Any])?["drift"] as? [[String: Any]])
        #expect(found.count == 2)
        let attribute = (found.first?["attributes"] as? [[String: Any]])?.first
        #expect(attribute?["recorded"] as? String == "low" && attribute?["actual"] as? String == "odd")
        let planned = try await osiris("plan", "--json")
        let changes = try #require((try planned.json as? [String: Any])?["changes"] as? [[String: Any]])
        #expect(changes.count == 2 && changes.allSatisfy { $0["action"] as? String == "update" })
        #expect((changes.first?["reason"] as? String)?.contains("outside") == true)
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try await osiris("plan", "--detailed-exitcode").status == 0)
    }

    @Test func removingALineRemovesTheThing() async throws {
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        try scratch.edit("cluster.yaml", "count: 2", "count: 1")
        // Five deletes against a limit of three.
        let refused = try await osiris("apply", "--auto-approve")
        #expect(refused.status == 4 && refused.out.contains("OSR0305"), "\(refused)")
        try scratch.edit("cluster.yaml", "maxDeletes: 3", "maxDeletes: 5")
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try simulatedObjects(scratch.url.appendingPathComponent("sim.jsonl")).count == 5)
        try scratch.edit("cluster.yaml", "maxDeletes: 5", "protect: [fleet/*]")
        let protected = try await osiris("destroy", "--auto-approve")
        #expect(protected.status == 4 && protected.out.contains("OSR0306"), "\(protected)")
    }

    @Test func targetAndExcludeTakeTheirDependencies() async throws {
        #expect(try await osiris("apply", "--auto-approve", "--target", "fleet/hub.m0001").status == 0)
        #expect(try simulatedObjects(scratch.url.appendingPathComponent("sim.jsonl")).count == 4)
        let planned = try await osiris("plan", "--json", "--exclude", "fleet/machine.m0002")
        let changes = try #require((try planned.json as? [String: Any])?["changes"] as? [[String: Any]])
        #expect(changes.map { $0["address"] as? String } == ["fleet/function.m0001.demo.echo"])
        #expect(try await osiris("plan", "--target", "nosuch").err.contains("OSR0307"))
    }

    @Test func nobodyToAskIsSaidClearly() async throws {
        let answer = try await osiris("apply")
        #expect(answer.status == 1 && answer.err.contains("--auto-approve"), "\(answer)")
        #expect(!FileManager.default.fileExists(atPath: scratch.url.appendingPathComponent("sim.jsonl").path))
    }

    @Test func smallCommandsAnswer() async throws {
        #expect(try await osiris("version").out.contains("libcurl"))
        #expect(try await osiris("graph").out.contains("digraph"))
        #expect(try await osiris("unlock", "7").status == 4)
        #expect(try await osiris("graph", "--format", "mermaid").out.contains("fleet/hub.m0001"))
        #expect((try await osiris("schema").json as? [String: Any])?["$schema"] != nil)
        for shell in ["bash", "zsh", "fish"] { #expect(try await osiris("completion", shell).out.contains("osiris")) }
        let help = try await osiris("help", "plan")
        #expect(help.status == 0 && help.out.contains("Example: osiris plan"))
        #expect(try await osiris("plan", "--nonsense").status == 64)
        let made = try await osiris("init", "fresh")
        #expect(made.status == 0, "\(made)")
        #expect(try await osiris("validate", "-f", "fresh").status == 0)
        #expect(try await osiris("init", "fresh").status == 1)
    }
}
