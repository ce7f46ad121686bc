import Foundation
import OsirisTransport
import Testing

/// `osiris bundle` on a fleet on paper; that it works over SSH with the network cut is tested on a rack.
struct BundleTests {
    /// A manifest with two functions, and keys to sign with.
    private static func site() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.write(manifest(["hello", "echo"]), to: "edge/cluster.yaml")
        for name in ["hello", "echo"] {
            try scratch.write("def handle(event):\n    return event\n", to: "edge/functions/\(name)/\(name).py")
        }
        for name in ["release", "other"] {
            let key = try SigningKey.make()
            try scratch.write(key.pem, to: "\(name).pem")
            try scratch.write(key.publicKey.pem, to: "\(name).pub")
        }
        return scratch
    }

    private static func manifest(_ functions: [String]) -> String {
        """
        apiVersion: osiris.dev/v1
        kind: Cluster
        metadata: {name: edge}
        spec:
          functions:
        \(functions.map { "    - {name: \($0), namespace: demo, runtime: python3, source: functions/\($0), handler: \($0).handle}" }
            .joined(separator: "\n"))
          targets:
            - {name: fleet, provider: simulated, machines: {count: 2}}

        """
    }

    private static func create(_ scratch: Scratch, _ out: String = "edge.bundle") async throws {
        let made = try await Program.run(
            "bundle", "create", "-f", "edge", "--out", out, "--key", "release.pem", in: scratch.url)
        try #require(made.status == 0, "\(made)")
        #expect(
            made.out.hasPrefix("Cluster edge, osiris ") && made.out.contains("Signed by the key sha256:"), "\(made)")
    }

    @Test func isAppliedWhereNothingElseIs() async throws {
        let scratch = try Self.site()
        try await Self.create(scratch)
        try await Self.create(scratch, "again.bundle")
        #expect(
            try Data(contentsOf: scratch.url.appendingPathComponent("edge.bundle"))
                == Data(contentsOf: scratch.url.appendingPathComponent("again.bundle")), "equal files, equal bundles")
        let verified = try await Program.run(
            "bundle", "verify", "edge.bundle", "--trust", "release.pub", in: scratch.url)
        #expect(verified.status == 0, "\(verified)")
        func apply(_ bundle: String) async throws -> Program.Answer {
            try await Program.run(
                "bundle", "apply", bundle, "--trust", "release.pub", "--into", "there", "--auto-approve",
                in: scratch.url)
        }
        let first = try await apply("edge.bundle")
        #expect(first.status == 0, "\(first)")
        #expect(scratch.files().contains("there/functions/echo/echo.py"))
        let settled = try await Program.run("plan", "-f", "there", "--detailed-exitcode", in: scratch.url)
        #expect(settled.status == 0, "\(settled)")

        // The next one takes its place: what it does not have any more goes, and the state stays.
        try scratch.write(Self.manifest(["hello"]), to: "edge/cluster.yaml")
        try await Self.create(scratch, "next:2.bundle")
        let next = try await apply("next:2.bundle")
        #expect(next.status == 0 && next.out.contains("2 to delete"), "\(next)")
        #expect(!scratch.files().contains { $0.hasPrefix("there/functions/echo") })

        // A file that came from no bundle is not overwritten.
        try scratch.write("mine", to: "there/functions/echo/echo.py")
        let refused = try await apply("edge.bundle")
        #expect(refused.status == 1 && refused.err.contains("came from no bundle"), "\(refused)")
        #expect(try scratch.read("there/functions/echo/echo.py") == "mine")
    }

    @Test func oneThatWasChangedIsRefused() async throws {
        let scratch = try Self.site()
        try await Self.create(scratch)
        let path = scratch.url.appendingPathComponent("edge.bundle")
        let whole = try Data(contentsOf: path)
        func verify(_ words: String...) async throws -> Program.Answer {
            try await Program.Running(["bundle", "verify", "edge.bundle"] + words, in: scratch.url).wait()
        }
        let stranger = try await verify("--trust", "other.pub")
        #expect(stranger.status == 1 && stranger.err.contains("OSR0616"), "\(stranger)")
        #expect(try await verify().status == 64)
        // A bit in the list and one in a file's content; the sums stay as they were.
        for word in ["\"cluster\"", "def handle"] {
            var changed = whole
            let place = try #require(changed.firstRange(of: Data(word.utf8)))
            changed[place.lowerBound + 1] ^= 1
            try changed.write(to: path)
            let answer = try await verify("--trust", "release.pub")
            #expect(answer.status == 1 && answer.err.contains("OSR0616"), "\(word): \(answer)")
            let applied = try await Program.run(
                "bundle", "apply", "edge.bundle", "--trust", "release.pub", "--into", "there", "--auto-approve",
                in: scratch.url)
            #expect(applied.status == 1 && applied.err.contains("OSR0616"), "\(word): \(applied)")
            #expect(!scratch.files().contains { $0.hasPrefix("there/") && !$0.hasPrefix("there/.osiris/") })
        }
        try whole.prefix(whole.count / 2).write(to: path)
        #expect(try await verify("--trust", "release.pub").status == 1)
        try whole.write(to: path)
        #expect(try await verify("--trust", "release.pub").status == 0)
        #expect(try await verify("--unsigned").status == 0)
    }

    /// What could not be applied without a network is said when the bundle is made, all at once.
    @Test func whatWouldNeedANetworkIsRefused() async throws {
        let scratch = try Self.site()
        try scratch.write("def handle(event):\n    return event\n", to: "outside/outside.py")
        try scratch.write("requests==2.32.0\n", to: "edge/functions/hello/requirements.txt")
        try scratch.write(
            Self.manifest(["hello"]).replacingOccurrences(
                of: "  targets:",
                with: """
                        - {name: far, namespace: demo, runtime: python3, source: ../outside, handler: outside.handle}
                      targets:
                        - {name: rack, provider: ssh, hosts: [n1.example], hostKeys: known_hosts}
                    """), to: "edge/cluster.yaml")
        try scratch.edit(
            "edge/cluster.yaml", "  functions:",
            "  hub: {image: \"r.example/hub@sha256:\(String(repeating: "0", count: 64))\"}\n  functions:")
        let made = try await Program.run("bundle", "create", "-f", "edge", "--out", "edge.bundle", in: scratch.url)
        #expect(made.status == 1, "\(made)")
        for words in ["names a registry's", "hello needs packages", "outside of the manifest's folder", "known_hosts"] {
            #expect(made.err.contains(words), "\(words): \(made)")
        }
        #expect(!scratch.files().contains("edge.bundle"))
    }
}
