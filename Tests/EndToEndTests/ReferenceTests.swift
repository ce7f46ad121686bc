import Foundation
import Testing

/// What the program says about manifests and codes.
struct ReferenceTests {
    @Test func theReferencePageIsWhatTheSchemasSay() async throws {
        let answer = try await Program.run("schema", "--format", "markdown", in: Program.root)
        #expect(answer.status == 0)
        let file = Program.root.appendingPathComponent("docs/manifest-reference.md")
        if ProcessInfo.processInfo.environment["OSIRIS_RECORD"] == "1" {
            try Data(answer.out.utf8).write(to: file)
            Issue.record("recorded \(file.lastPathComponent)")
        }
        #expect(
            try String(contentsOf: file, encoding: .utf8) == answer.out, "OSIRIS_RECORD=1 records what is right now")
    }

    /// That it accepts the examples is `ExampleSchemaTests`' matter.
    @Test func theSchemaIsOneAndKnowsAllProviders() async throws {
        let answer = try await Program.run("schema", in: Program.root)
        let schema = try #require(try JSONSerialization.jsonObject(with: Data(answer.out.utf8)) as? [String: Any])
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        for provider in ["aws", "local", "ssh", "simulated"] {
            #expect(answer.out.contains("\"const\": \"\(provider)\""))
        }
    }

    @Test func explainKnowsCodesAndKeys() async throws {
        let code = try await Program.run("explain", "OSR0101", in: Program.root)
        #expect(code.status == 0 && code.out.hasPrefix("OSR0101: unknown key") && code.out.contains("    hub:\n"))
        let short = try await Program.run("explain", "101", "--json", in: Program.root)
        #expect(short.out.contains("\"code\": \"OSR0101\""))
        let key = try await Program.run("explain", "cluster.spec.targets.ssh.hosts", in: Program.root)
        #expect(key.status == 0 && key.out.hasPrefix("cluster.spec.targets.ssh.hosts (list"))
        let all = try await Program.run("explain", in: Program.root)
        #expect(all.out.split(separator: "\n").count > 80)
        let wrong = try await Program.run("explain", "cluster.spec.targts", in: Program.root)
        #expect(wrong.status == 1 && wrong.err.contains("osiris explain cluster.spec.targets"))
        let unknown = try await Program.run("explain", "OSR9999", in: Program.root)
        #expect(unknown.status == 1 && unknown.err.contains("no code"))
    }
}
