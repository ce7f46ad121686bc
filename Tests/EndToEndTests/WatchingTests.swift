import Foundation
import Testing

/// Logs, usage and alerts, as a user sees them.
@Suite(.serialized)
struct WatchingTests {
    private let scratch: Scratch
    private let port: Int

    init() throws {
        scratch = try Scratch()
        port = try freePort()
        try scratch.write("def handle(word):\n    print('said', word)\n    return word\n", to: "say/say.py")
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: watched}
            spec:
              variables:
                hook: {secret: true, from: "env:HOOK"}
              hub:
                port: \(port)
                alerts: []
              functions:
                - {name: say, namespace: demo, runtime: python3, source: say, handler: say.handle}
              targets:
                - {name: here, provider: local}
            """, to: "cluster.yaml")
    }

    private func osiris(_ arguments: String..., hook: String = "hunter2") async throws -> Program.Answer {
        try await Program.Running(arguments, environment: ["HOOK": hook], in: scratch.url).wait()
    }

    @Test func logsUsageAndAlerts() async throws {
        let result: Result<Void, any Error>
        do { result = .success(try await steps()) } catch { result = .failure(error) }
        _ = try await osiris("destroy", "--auto-approve")
        try result.get()
    }

    private func steps() async throws {
        let applied = try await osiris("apply", "--auto-approve")
        #expect(applied.status == 0, "\(applied)")
        for word in ["one", "two"] {
            let called = try await osiris("functions", "call", "demo/say", "--data", #"{"word":"\#(word)"}"#)
            #expect(called.status == 0, "\(called)")
        }
        #expect(try await osiris("functions", "logs", "demo/say", "--tail", "1").out == "said two\n")

        let follower = try Program.Running(["functions", "logs", "demo/say", "--follow"], in: scratch.url)
        #expect(await eventually { follower.output() == "said one\nsaid two\n" })
        _ = try await osiris("functions", "call", "demo/say", "--data", #"{"word":"three"}"#)
        #expect(await eventually { follower.output() == "said one\nsaid two\nsaid three\n" })
        kill(follower.process.processIdentifier, SIGINT)
        let ended = try await follower.wait()
        #expect(ended.status == SIGINT && ended.err.isEmpty, "\(ended)")

        let lines = try await osiris("functions", "logs", "demo/say", "--json", "--since", "10m").out.split(
            separator: "\n")
        let last = try #require(lines.last)
        let line = try #require(try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any])
        #expect(line["text"] as? String == "said three")
        let call = try #require(line["call"] as? String)
        #expect(try await osiris("functions", "logs", "demo/say", "--call", call).out == "said three\n")
        for wrong in [["--since", "soon"], ["--tail", "10001"]] {
            let refused = try await Program.Running(
                ["functions", "logs", "demo/say"] + wrong, environment: ["HOOK": ""], in: scratch.url
            ).wait()
            #expect(refused.status != 0 && refused.err.contains(wrong[1]), "\(refused)")
        }

        let usage = try await osiris("hub", "usage", "--json", "--since", "1d")
        let rows = try #require(try usage.json as? [[String: Any]], "\(usage)")
        #expect(rows.map { $0["name"] as? String } == ["say"])
        #expect(rows.map { $0["calls"] as? Int } == [3])
        let table = try await osiris("hub", "usage", "--by", "caller")
        #expect(table.status == 0 && table.out.contains("invoke"), "\(table)")

        try scratch.edit(
            "cluster.yaml", "alerts: []",
            #"alerts: [{url: "http://127.0.0.1:9/", secret: "${var.hook}", on: [crash-loop]}]"#)
        let planned = try await osiris("plan", "--detailed-exitcode")
        #expect(planned.status == 2 && planned.out.contains("alerts"), "\(planned)")
        let changed = try await osiris("apply", "--auto-approve")
        #expect(changed.status == 0, "\(changed)")
        #expect(try scratch.read(".osiris/hubs/here/hub.json").contains(#""secret":"hunter2""#))
        for answer in [planned, changed, try await osiris("state", "show", "here/hub.here")] {
            #expect(!answer.out.contains("hunter2") && !answer.err.contains("hunter2"), "\(answer)")
        }
        let same = try await osiris("plan", "--detailed-exitcode")
        #expect(same.status == 0, "\(same)")
        // Another secret alone is a change as well.
        let other = try await osiris("plan", "--detailed-exitcode", hook: "hunter3")
        #expect(other.status == 2 && !other.out.contains("hunter"), "\(other)")
        // The update was not a new hub: it still knows the calls.
        let after = try #require(try await osiris("hub", "usage", "--json").json as? [[String: Any]])
        #expect(after.map { $0["calls"] as? Int } == [3])
    }
}
