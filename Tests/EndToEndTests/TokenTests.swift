import Foundation
import FoundationNetworking
import Testing

/// `osiris hub tokens` and secret files, with the built programs and two hubs on loopback.
@Suite(.serialized)
struct TokenTests {
    private let scratch: Scratch
    private let ports: [Int]

    init() throws {
        scratch = try Scratch()
        ports = [try freePort(), try freePort()]
        try scratch.write(
            """
            import os
            def handle():
                text = open(os.path.join(os.environ["OSIRIS_SECRETS"], "tls.key")).read()
                return {"bytes": len(text)}
            """, to: "functions/f/f.py")
        try scratch.write(manifest(), to: "cluster.yaml")
    }

    private func manifest() -> String {
        """
        apiVersion: osiris.dev/v1
        kind: Cluster
        metadata: {name: tokens}
        spec:
          variables:
            key: {secret: true, from: env:TLS_KEY}
          functions:
            - name: f
              namespace: demo
              runtime: python3
              source: functions/f
              handler: f.handle
              secretFiles: {tls.key: "${var.key}"}
          targets:
            - {name: one, provider: local, port: \(ports[0])}
            - {name: two, provider: local, port: \(ports[1])}

        """
    }

    private func osiris(_ arguments: String..., key: String = "CANARYz-first", input: String? = nil) async throws
        -> Program.Answer
    {
        let running = try Program.Running(
            arguments, environment: ["TLS_KEY": key], in: scratch.url, input: input)
        let answer = try await running.wait()
        #expect(!"\(answer)".contains("CANARYz"), "a secret is shown: \(arguments)")
        return answer
    }

    /// Runs a test and leaves no hub behind, however it ends.
    private func cleaningUp(_ test: () async throws -> Void) async throws {
        let result: Result<Void, any Error>
        do { result = .success(try await test()) } catch { result = .failure(error) }
        _ = try await osiris("destroy", "--auto-approve")
        try result.get()
    }

    private func status(_ port: Int, _ path: String, _ token: String) async throws -> Int {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)\(path)")))
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        let (_, response) = try await URLSession.shared.data(for: request)
        return (response as? HTTPURLResponse)?.statusCode ?? 0
    }

    @Test func aTokenIsMadeOnEveryHubListedAndRevoked() async throws { try await cleaningUp(tokenSteps) }

    private func tokenSteps() async throws {
        let applied = try await osiris("apply", "--auto-approve")
        try #require(applied.status == 0, "\(applied)")
        let made = try await osiris(
            "hub", "tokens", "create", "--name", "ci", "--role", "read", "--namespace", "demo", "--expires", "30d",
            "--rate", "600/m")
        try #require(made.status == 0, "\(made)")
        let token = made.out.trimmingCharacters(in: .newlines)
        #expect(token.wholeMatch(of: #/osr_[a-z0-9]{8}_[A-Za-z0-9_\-]{43}/#) != nil)
        let id = String(token.dropFirst(4).prefix(8))
        #expect(made.err.contains("2 hubs have the token \(id)"))
        for port in ports {
            #expect(try await status(port, "/system/function/f?namespace=demo", token) == 200)
            #expect(try await status(port, "/system/function/f?namespace=other", token) == 403)
        }
        let listed = try await osiris("hub", "tokens", "list")
        #expect(listed.out.contains(id) && listed.out.contains("10/s") && listed.out.contains("2 of 2"), "\(listed)")
        #expect(!listed.out.contains(token))

        // The same again is fine; a name that is taken is refused by each hub.
        let again = try await osiris(
            "hub", "tokens", "create", "--name", "ci", "--role", "read", "--namespace", "demo", "--rate", "600/m",
            "--again", input: token + "\n")
        #expect(again.status == 0 && again.out == token + "\n", "\(again)")
        let taken = try await osiris("hub", "tokens", "create", "--name", "ci", "--role", "read")
        #expect(taken.status == 1 && taken.out.isEmpty && taken.err.contains("OSR0612"), "\(taken)")

        // One hub is down: the other one has it, and the fault is told.
        let pid = try hubPid("two")
        kill(pid, SIGKILL)
        let partly = try await osiris("hub", "tokens", "create", "--name", "late", "--role", "invoke", "--json")
        #expect(partly.status == 1 && partly.out.contains("OSR0602"), "\(partly)")
        let late = try #require(partly.out.firstMatch(of: #/osr_[a-z0-9]{8}_[A-Za-z0-9_\-]{43}/#)).output
        #expect(try await status(ports[0], "/function/demo/f", String(late)) == 200)
        #expect(try await osiris("apply", "--auto-approve").status == 0)
        #expect(try await status(ports[1], "/function/demo/f", String(late)) == 401)
        let caught = try await osiris(
            "hub", "tokens", "create", "--name", "late", "--role", "invoke", "--again", input: String(late))
        #expect(caught.status == 0, "\(caught)")
        #expect(try await status(ports[1], "/function/demo/f", String(late)) == 200)

        let revoked = try await osiris("hub", "tokens", "revoke", id)
        #expect(revoked.status == 0 && revoked.out == "Revoked \(id) on one/hub.one, two/hub.two.\n", "\(revoked)")
        for port in ports { #expect(try await status(port, "/system/info", token) == 401) }
        let gone = try await osiris("hub", "tokens", "revoke", id)
        #expect(gone.status == 1 && gone.err.contains("OSR0307"), "\(gone)")

        try await fileSteps()
    }

    /// A secret as a file: planned, shown and changed as one in the environment, and drift is seen.
    private func fileSteps() async throws {
        let called = try await osiris("functions", "call", "demo/f", "--target", "one")
        #expect(called.out == "{\"bytes\":13}\n", "\(called)")
        #expect(try await osiris("plan").out.contains("No changes"))
        let plan = try await osiris("plan", key: "CANARYz-another one")
        #expect(plan.out.contains("tls.key") && plan.out.contains("(secret, changed)"), "\(plan)")
        #expect(try await osiris("apply", "--auto-approve", key: "CANARYz-another one").status == 0)
        let next = try await osiris("functions", "call", "demo/f", "--target", "two")
        #expect(next.out == "{\"bytes\":19}\n", "\(next)")
        #expect(try await osiris("plan", "--detailed-exitcode", key: "CANARYz-another one").status != 2)
    }

    private func hubPid(_ target: String) throws -> Int32 {
        let text = try scratch.read(".osiris/hubs/\(target)/hub.pid")
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        return Int32(try #require(fields["pid"] as? Int))
    }
}
