import Foundation
import Testing

@testable import OsirisHub

/// Secrets as files: who can read them, where, and how long.
@Suite(.serialized) struct SecretFileTests {
    private static let look = """
        import os
        def handle(name):
            folder = os.environ["OSIRIS_SECRETS"]
            path = os.path.join(folder, name)
            state = os.stat(path)
            try:
                open(os.path.join(folder, "new"), "w")
                writable = True
            except OSError:
                writable = False
            return {"folder": folder, "names": sorted(os.listdir(folder)), "text": open(path).read()[::-1],
                "mode": oct(state.st_mode & 0o777), "mine": state.st_uid == os.getuid(), "writable": writable}
        """

    private func secrets(_ values: [String: String]) -> [String: Any] {
        values.mapValues { ["value": $0, "digest": "hmac-sha256:\($0.utf8.count)"] }
    }

    private func handedOut(_ hub: TestHub) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: hub.folder + "/instance-secrets")) ?? []
    }

    @Test func anInstanceReadsItsFilesAndNobodyElse() async throws {
        try await TestHub.with { hub in
            let put = try await hub.client.put(
                .python("f", Self.look, ["secretFiles": secrets(["tls.key": "line 1\nline 2\n", "b": "second"])]))
            #expect(put.status == 201, "\(put.text)")
            let seen = try await hub.client.call("f", #""tls.key""#).json
            #expect(seen["text"] as? String == "\n2 enil\n1 enil", "\(seen)")
            #expect(seen["names"] as? [String] == ["b", "tls.key"])
            #expect(seen["mode"] as? String == "0o400" && seen["mine"] as? Bool == true)
            #expect(seen["writable"] as? Bool == false)
            let isolation = try await LimitsTests.isolation(hub)
            #expect((seen["folder"] as? String == "/run/secrets") == isolation.files.inForce)
            let status = try await hub.client.send("GET", "/system/function/f?namespace=demo").json
            let digests = status["secretFileDigests"] as? [String: String]
            #expect(digests == ["tls.key": "hmac-sha256:14", "b": "hmac-sha256:6"])
            // A new value is a new version; the same one is none.
            let changed = TestFunction.python("f", Self.look, ["secretFiles": secrets(["tls.key": "third one"])])
            #expect(try await hub.client.put(changed).status == 202)
            #expect(try await hub.client.put(changed).status == 200)
            try await hub.client.wait(for: "f", "at version 2") { $0.servingVersion == 2 && $0.ready }
            let next = try await hub.client.call("f", #""tls.key""#).json
            #expect(next["text"] as? String == "eno driht" && next["names"] as? [String] == ["tls.key"])
            // What ended instances had is gone.
            try await eventually("one folder is left") { handedOut(hub).count == 1 }
            _ = try await hub.client.send("DELETE", "/functions/f.demo")
            try await eventually("none is left") { handedOut(hub).isEmpty }
        }
    }

    /// Each means by itself, so that a host with all of them still tries the weaker ones.
    @Test func theFilesAreThereBehindEverySandbox() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let data = DataFolder(path: folder)
        let isRoot = geteuid() == 0
        var sandboxes = [Sandbox()]
        if isRoot { sandboxes.append(Sandbox(setpriv: "/usr/bin/setpriv")) }
        for sandbox in sandboxes {
            let store = VersionStore(data: data, searchPath: "/usr/bin:/bin", sandbox: sandbox)
            let script = #"cd "$OSIRIS_SECRETS" && stat -c '%a %u' . key && id -u && cat key"#
            let spec = FunctionSpec(
                name: .init(namespace: "demo", name: "f"), runtime: .command, command: ["/bin/sh", "-c", script],
                secretFileDigests: ["key": "d"])
            let deployment = Deployment(
                spec: spec, secrets: [:], secretFiles: ["key": "s3cret"], source: .init(files: []))
            try data.create(data.bootstrap)
            try await store.save(deployment, version: 1)
            let launch = try await store.launch(
                CatalogEntry(spec: spec, sourceDigest: "", version: 1, updated: 0, proven: false))
            let lines = try await Self.lines(of: launch.command)
            try #require(lines.count == 5, "\(lines)")
            let user = lines[3]
            #expect(lines[1] == "500 \(user)" && lines[2] == "400 \(user)" && lines[4] == "s3cret")
            #expect((user != String(geteuid())) == (sandbox.setpriv != nil))
            #expect(!launch.command.arguments.joined().contains("s3cret"))
            let path = try #require(launch.secretFolder?.path)
            #expect(FileManager.default.fileExists(atPath: path))
            await launch.secretFolder?.remove()
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    private static func lines(of command: ChildProcess.Command) async throws -> [String] {
        let (process, pipes) = try await ChildProcess.launch(command) { _ in }
        close(pipes.input)
        close(pipes.error)
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let handle = FileHandle(fileDescriptor: pipes.output, closeOnDealloc: true)
                let text = String(decoding: (try? handle.readToEnd()) ?? Data(), as: UTF8.self)
                withExtendedLifetime(process) {}
                continuation.resume(returning: text.split(separator: "\n").map(String.init))
            }
        }
    }

    @Test func leftoversGoWithTheNextHub() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let left = try SecretFolder(["key": "s3cret"], in: DataFolder(path: folder), owner: nil)
        #expect(FileManager.default.fileExists(atPath: try #require(left).path + "/key"))
        try await TestHub.with(folder: folder) { hub in #expect(handedOut(hub).isEmpty) }
    }

    @Test func faultyFilesAreRefused() async throws {
        try await TestHub.with { hub in
            for name in ["", ".", "..", ".hidden", "a/b", "a b", "é", String(repeating: "a", count: 101)] {
                let put = try await hub.client.put(
                    .python("f", Self.look, ["secretFiles": secrets([name: "CANARY-value"])]))
                #expect(put.status == 400 && !put.text.contains("CANARY"), "\(name): \(put.text)")
            }
            let long = String(repeating: "x", count: 65_537)
            let put = try await hub.client.put(.python("f", Self.look, ["secretFiles": secrets(["a": long])]))
            #expect(put.status == 400)
        }
    }

    /// 50 values, in the environment and in files, through all that the hub says: none turns up.
    @Test func noSecretTurnsUpAnywhere() async throws {
        let word = "CANARYz"
        let tails = ["plain", "with space", "\"double\"", "'single'", "back\\slash", "line\nbreak", "ünï", "{\"a\":1}"]
        let values = (0..<50).map { "\(word)\($0)-\(tails[$0 % tails.count])-\(UInt32.random(in: 0...UInt32.max))" }
        let leaky = """
            import json, os, sys
            folder = os.environ["OSIRIS_SECRETS"]
            known = [os.environ[name] for name in sorted(os.environ) if name.startswith("S_")]
            known += [open(os.path.join(folder, name)).read() for name in sorted(os.listdir(folder))]
            for value in known:
                print(value)
                print(repr(value), json.dumps(value), json.dumps(value, ensure_ascii=False), file=sys.stderr)
            def handle(fail=False):
                if fail: raise ValueError(known)
                return len(known)
            """
        try await TestHub.with { hub in
            var (env, files): ([String: String], [String: String]) = ([:], [:])
            for (number, value) in values.enumerated() {
                if number % 2 == 0 { env["S_\(number)"] = value } else { files["s.\(number)"] = value }
            }
            let more: [String: Any] = ["secrets": secrets(env), "secretFiles": secrets(files)]
            var said = ""
            func say(_ answer: Answer) { said += answer.text + "\(answer.headers)" }
            say(try await hub.client.put(.python("leaky", leaky, more)))
            let called = try await hub.client.call("leaky")
            #expect(called.text == "50", "\(called.text)")
            let raised = try await hub.client.call("leaky", #"{"fail":true}"#)
            #expect(raised.code == "function_error" && raised.text.contains("(secret)"))
            say(raised)
            // One that never starts: what it says is in its status.
            say(try await hub.client.put(.python("broken", leaky + "\nraise RuntimeError(known)\n", more)))
            try await hub.client.wait(for: "broken", "failing") { $0.lastError != nil }
            // Faulty deployments name what is wrong, not what it is.
            var faulty = TestFunction.python("worse", leaky, more)
            faulty.fields["secrets"] = secrets(env).merging(["not a name": ["value": values[0]]]) { $1 }
            let refused = try await hub.client.put(faulty)
            #expect(refused.status == 400)
            say(refused)
            // Every route that shows something, but for the one whose purpose it is to give everything away.
            for rule in hub.routes where rule.method == "GET" && rule.path != "/system/backup" {
                for function in ["leaky", "broken"] {
                    let path = rule.path.replacingOccurrences(of: "{name}", with: function)
                        .replacingOccurrences(of: "{namespace}", with: "demo")
                        .replacingOccurrences(of: "{id}", with: "\(function).demo")
                    say(try await hub.client.send("GET", path + "?namespace=demo&name=\(function)&tail=10000"))
                }
            }
            #expect(said.contains("leaky") && said.contains("(secret)"))
            #expect(!said.contains(word))
            // On disk: only where the docs say.
            let places = ["secrets/", "instance-secrets/"]
            for case let path as String in FileManager.default.enumerator(atPath: hub.folder) ?? .init() {
                let bytes = FileManager.default.contents(atPath: hub.folder + "/" + path) ?? Data()
                if bytes.range(of: Data(word.utf8)) == nil { continue }
                #expect(places.contains { path.hasPrefix($0) }, "\(path) holds a secret")
            }
        }
    }
}
