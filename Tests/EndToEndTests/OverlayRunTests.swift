import Foundation
import Testing

/// An overlay with outputs of targets, defaults and a file of variables through the whole program.
struct OverlayRunTests {
    private static let base = """
        apiVersion: osiris.dev/v1
        kind: Cluster
        metadata: {name: edge}
        spec:
          variables: {level: {type: string}}
          functions:
            - name: tick
              runtime: command
              command: [cat]
              env:
                LEVEL: ${var.level}
                PEER: "http://${target.rack.machines[0].address}:80"
                URL: "${target.rack.machines[m0002].url}"
              placement: {labels: {zone: a}}
          defaults:
            simulated: {machines: {count: 2}}
          targets:
            - {name: rack, provider: simulated}
            - {name: rock, provider: simulated, labels: {zone: a}, machines: {count: 1}}
        """
    private static let overlay = """
        apiVersion: osiris.dev/v1
        kind: Overlay
        metadata: {name: edge-prod}
        spec:
          base: ../../base
          patch:
            hub: {port: 9000}
        """

    private func write(_ text: String, _ path: String, in scratch: Scratch) throws {
        let file = scratch.url.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    @Test func valuesFlowBetweenTargetsAndASecondPlanIsEmpty() async throws {
        let scratch = try Scratch()
        try write(Self.base, "base/cluster.yaml", in: scratch)
        try write(Self.overlay, "overlays/prod/overlay.yaml", in: scratch)
        try write("level: low\n", "prod.vars", in: scratch)
        func osiris(_ verb: String...) async throws -> Program.Answer {
            try await Program.Running(
                verb + ["-f", "overlays/prod", "--var-file", "prod.vars"], in: scratch.url
            ).wait()
        }
        let plan = try await osiris("plan", "--verbose")
        #expect(plan.status == 0, "\(plan)")
        #expect(plan.out.contains("added to the manifest at overlays/prod/overlay.yaml:7"), "\(plan)")
        #expect(plan.out.contains("env.PEER:       (known after apply)"), "\(plan)")
        let apply = try await osiris("apply", "--auto-approve")
        #expect(apply.status == 0, "\(apply)")
        let store = scratch.url.appendingPathComponent("overlays/prod/.osiris/simulated/rock.jsonl")
        let made = try String(contentsOf: store, encoding: .utf8)
        let env = #""env":{"LEVEL":"low","PEER":"http://10.0.0.1:80","URL":"http://10.0.0.2:9000"}"#
        #expect(made.contains(env), "\(made)")
        #expect(made.contains(#""cluster":"edge-prod""#))
        let again = try await osiris("plan", "--detailed-exitcode")
        #expect(again.status == 0, "\(again)")
    }

    @Test func targetsInACircleAreAFaultOfTheManifest() async throws {
        let scratch = try Scratch()
        let text = """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: edge}
            spec:
              targets:
                - {name: a, provider: simulated, simulate: {faults: {offline: ["${target.b.machines[0].name}"]}}}
                - {name: b, provider: simulated, simulate: {faults: {offline: ["${target.a.machines[0].name}"]}}}
            """
        try write(text, "cluster.yaml", in: scratch)
        let answer = try await Program.Running(["validate"], in: scratch.url).wait()
        #expect(answer.status == 3, "\(answer)")
        #expect(answer.err.contains("`a` needs `b` needs `a`") && answer.err.contains("cluster.yaml:6:"), "\(answer)")
    }
}
