import Foundation
import Synchronization
import Testing

/// 200 secret values through every path of the program and of a real hub: none turns up anywhere.
///
/// Each value begins with a word that occurs nowhere else, so a value that was cut or quoted is found as well.
@Suite(.serialized)
final class CanaryTests: Sendable {
    private static let word = "CANARYz"
    private static let count = 200

    /// Plain ones, and ones with all that quoting, JSON, YAML, shells and terminals trip over.
    private static let values: [String] = (0..<count).map { number in
        let tails = [
            "plain", "with space", "\"double\"", "'single'", "back\\slash", "tab\there", "line\nbreak", "${var.s0}",
            "ünï",
            "日本語", "%41%42", "{\"json\": 1}", "$(id)", "`id`", "&&||;", "\u{1B}[31m", "é\\\"mix'ed", "😀", "a=b&c=d",
            "<b>",
        ]
        return "\(word)\(number)-\(tails[number % tails.count])-\(UInt32.random(in: 0...UInt32.max))"
    }

    private let scratch: Scratch
    private let port: Int
    private let environment: [String: String]
    private let said = Mutex("")

    init() throws {
        scratch = try Scratch()
        port = try freePort()
        environment = Dictionary(
            uniqueKeysWithValues: Self.values.enumerated().map { ("SECRET_\($0.offset)", $0.element) })
        try scratch.write(manifest(), to: "cluster.yaml")
        // Says all it knows, in every way a careless function does.
        try scratch.write(
            """
            import json, os, sys
            def handle(mode="raise"):
                known = {k: v for k, v in os.environ.items() if k.startswith("S_")}
                if mode == "raise":
                    raise ValueError(known)
                for value in known.values():
                    print(value)
                    print(repr(value), json.dumps(value), json.dumps(value, ensure_ascii=False), file=sys.stderr)
                return {"said": len(known)}
            """, to: "functions/leaky/leaky.py")
        try scratch.write(
            """
            import os
            if os.environ["BREAK"] == "yes":
                raise RuntimeError(f"cannot start with {dict(os.environ)}")
            def handle():
                return 1
            """, to: "functions/brittle/brittle.py")
    }

    private func manifest() -> String {
        var lines = ["apiVersion: osiris.dev/v1", "kind: Cluster", "metadata: {name: canary}", "spec:", "  variables:"]
        for number in 0..<Self.count {
            lines.append("    s\(number): {type: string, secret: true, from: env:SECRET_\(number)}")
        }
        lines += ["  hub: {port: \(port)}", "  functions:"]
        for (name, start) in [("leaky", 0), ("brittle", 100)] {
            lines += [
                "    - name: \(name)", "      namespace: demo", "      runtime: python3",
                "      source: functions/\(name)",
                "      handler: \(name).handle", "      env: {BREAK: \"no\", S_ENV: \"${var.s\(start)}\"}",
                "      secrets:",
            ]
            for number in (start + 1)..<(start + 100) { lines.append("        S_\(number): ${var.s\(number)}") }
        }
        lines += [
            "  targets:", "    - {name: here, provider: local}",
            "    - {name: fleet, provider: simulated, machines: {count: 2}, simulate: {store: sim.jsonl, latency: 1ms}}",
            "",
        ]
        return lines.joined(separator: "\n")
    }

    @discardableResult
    private func osiris(_ arguments: String..., status: Int32 = 0) async throws -> Program.Answer {
        let answer = try await Program.Running(arguments, environment: environment, in: scratch.url).wait()
        // A failure must not print the secrets either: only where they are.
        #expect(answer.status == status, "\(arguments.joined(separator: " ")) ended with \(answer.status)")
        said.withLock { $0 += "\n$ \(arguments.joined(separator: " "))\n" + answer.out + answer.err }
        return answer
    }

    @Test(.timeLimit(.minutes(15))) func noSecretTurnsUpAnywhere() async throws {
        let commandLines = Mutex(Set<String>())
        let isOver = Mutex(false)
        // Every command line of every process on this machine, all the while.
        Thread.detachNewThread {
            while !isOver.withLock({ $0 }) {
                for pid in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where Int(pid) != nil {
                    if let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") {
                        let line = String(decoding: bytes, as: UTF8.self)
                        if line.contains(Self.word) { commandLines.withLock { _ = $0.insert(line) } }
                    }
                }
                usleep(20_000)
            }
        }
        let result: Result<Void, any Error>
        do { result = .success(try await steps()) } catch { result = .failure(error) }
        isOver.withLock { $0 = true }
        let destroyed = try await Program.Running(
            ["destroy", "--auto-approve"], environment: environment, in: scratch.url
        ).wait()
        #expect(destroyed.status == 0)
        #expect(!(destroyed.out + destroyed.err).contains(Self.word))
        #expect(commandLines.withLock { $0.count } == 0, "a command line holds a secret")
        try result.get()
    }

    private func steps() async throws {
        try await osiris("validate")
        for format in ["text", "json", "markdown", "html", "dot", "mermaid"] {
            try await osiris("plan", "--format", format)
        }
        try await osiris("plan", "--verbose", "--out", "saved.plan")
        try await osiris("show", "saved.plan", "--format", "html")
        try await osiris("apply", "saved.plan", "--json", "--report", "applied.html")
        for verb in [
            ["state", "list"], ["state", "history", "1"], ["state", "export"], ["show"], ["graph"], ["drift"],
        ] {
            let answer = try await Program.Running(verb, environment: environment, in: scratch.url).wait()
            #expect(answer.status == 0, "\(verb.joined(separator: " "))")
            said.withLock { $0 += answer.out + answer.err }
        }
        for address in ["here/function.here.demo.leaky", "here/hub.here", "fleet/function.m0001.demo.leaky"] {
            try await osiris("state", "show", address)
            try await osiris("state", "show", address, "--json")
        }
        // The function raises, prints, and its log is read.
        let raised = try await osiris("functions", "call", "demo/leaky", "--target", "here", status: 1)
        #expect(raised.err.contains("ValueError"), "the function was reached")
        try await osiris("functions", "call", "demo/leaky", "--target", "here", "--data", "{\"mode\": \"print\"}")
        let log = try await osiris("functions", "logs", "demo/leaky", "--target", "here")
        #expect(log.out.contains("(secret)"), "the log was reached")
        // Another value of each: the plan shows that it changed, and no more.
        var other = environment
        for (name, value) in environment { other[name] = value + "2" }
        let changed = try await Program.Running(["plan"], environment: other, in: scratch.url).wait()
        #expect(changed.out.contains("(secret"), "the changed secrets are in the plan")
        let page = try await Program.Running(["plan", "--format", "html"], environment: other, in: scratch.url).wait()
        #expect(page.out.contains("(secret, changed)"), "the changed secrets are on the page")
        said.withLock { $0 += changed.out + changed.err + page.out + page.err }
        // A version that dies at its start with everything in its last words.
        try scratch.edit("cluster.yaml", "BREAK: \"no\"", "BREAK: \"yes\"")
        try await osiris("apply", "--auto-approve", status: 1)
        try await osiris("apply", "--auto-approve", "--json", "--report", "failed.html", status: 1)
        try await osiris("functions", "logs", "demo/brittle", "--target", "here")
        // Faults in the manifest are shown with their lines.
        try scratch.edit("cluster.yaml", "runtime: python3", "runtime: pythn")
        try await osiris("validate", status: 3)
        try scratch.edit("cluster.yaml", "runtime: pythn", "runtime: python3")
        try scratch.edit("cluster.yaml", "BREAK: \"yes\"", "BREAK: \"no\"")

        #expect(!said.withLock { $0.contains(Self.word) }, "\(whereInOutput())")
        try expectNoFile()
    }

    /// The command whose output has a secret, without the secret.
    private func whereInOutput() -> String {
        let text = said.withLock { $0 }
        guard let hit = text.range(of: Self.word) else { return "" }
        let command = text[..<hit.lowerBound].range(of: "\n$ ", options: .backwards)
        return text[(command?.lowerBound ?? text.startIndex)..<hit.lowerBound].prefix(200) + " … "
            + text[..<hit.lowerBound].suffix(80) + "\(numbers(in: Data(text.utf8)))"
    }

    /// Which secrets are in a text, by their numbers.
    private func numbers(in bytes: Data) -> [Int] {
        let parts = String(decoding: bytes, as: UTF8.self).components(separatedBy: Self.word).dropFirst()
        return Set(parts.map { Int($0.prefix { $0.isNumber }) ?? -1 }).sorted()
    }

    /// Every file the program and the hub left, except the hub's own store of its functions' secrets (mode 0600).
    private func expectNoFile() throws {
        var looked = 0
        for name in scratch.files() {
            let bytes = try Data(contentsOf: scratch.url.appendingPathComponent(name))
            let holds = bytes.range(of: Data(Self.word.utf8)) != nil
            looked += 1
            if name.hasPrefix(".osiris/hubs/here/"), name.contains("/secrets/") {
                let mode = try FileManager.default.attributesOfItem(atPath: scratch.url.path + "/" + name)[
                    .posixPermissions]
                #expect(mode as? Int == 0o600, "\(name)")
            } else {
                #expect(!holds, "\(name) holds \(numbers(in: bytes))")
            }
        }
        #expect(looked > 8)
    }
}
