import Foundation
import OsirisModel
import Testing

@testable import OsirisHub

/// Nil without `make test-podman`.
private let archive: String? = ProcessInfo.processInfo.environment["OSIRIS_HUB_ARCHIVE"]

/// Container functions on real podman, and npm; what `make test-podman` needs, this needs.
@Suite(.serialized, .enabled(if: archive != nil, "make test-podman installs podman and makes an image to test"))
struct RealPodmanTests {
    /// Podman's service on a socket of its own, and an image of `app.py`.
    private func with(_ test: (_ socket: String, _ image: String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "osiris-podman-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let loaded = try await run("podman", ["load", "--quiet", "--input", try #require(archive)])
        let base = try #require(loaded.output.split(separator: " ").last, "\(loaded.errors)")
        let containerfile = """
            FROM \(base.trimmingCharacters(in: .whitespacesAndNewlines))
            COPY app.py /app.py
            ENTRYPOINT ["python3", "/app.py"]
            """
        try containerfile.write(toFile: folder + "/Containerfile", atomically: true, encoding: .utf8)
        try FileManager.default.copyItem(atPath: TestEngine.path("app.py"), toPath: folder + "/app.py")
        let image = "localhost/osiris-test-\(UUID().uuidString.prefix(8).lowercased()):1"
        let built = try await run("podman", ["build", "--quiet", "--tag", image, folder])
        try #require(built.end == .code(0), "\(built.errors)")
        let socket = folder + "/podman.sock"
        let command = ChildProcess.Command(
            program: "podman", arguments: ["system", "service", "--time=0", "unix://\(socket)"],
            environment: ProcessInfo.processInfo.environment, folder: "/")
        let (service, pipes) = try await ChildProcess.launch(command) { _ in }
        defer {
            service.signal(SIGTERM)
            for descriptor in [pipes.input, pipes.output, pipes.error] { close(descriptor) }
        }
        try await eventually("podman's service listens") { (try? await Engine(socket: socket).version()) != nil }
        do {
            try await test(socket, image)
        } catch {
            _ = try await run("podman", ["rmi", "--force", image])
            throw error
        }
        _ = try await run("podman", ["rmi", "--force", image])
    }

    @Test func dockersClientFindsPodmanAsItFindsTheTestsEngine() async throws {
        try await with { try await TestEngine.checkWithDockersClient(socket: $0, image: $1) }
    }

    @Test func aFunctionLivesInAContainer() async throws {
        try await with { socket, image in
            let folder = try TestHub.makeFolder(engine: socket)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let engine = Engine(socket: socket)
            let labels = ["osiris.cluster": "test", "osiris.function": "demo/app"]
            try await TestHub.with(folder: folder) { hub in
                let limits = ["memoryBytes": 128 << 20, "processes": 20, "timeoutMs": 2000]
                let more: [String: Any] = ["env": ["GREETING": "hi"], "command": ["one"], "limits": limits]
                #expect(try await hub.client.put(.container("app", image, more)).status == 201)
                try await hub.client.wait(for: "app")
                let answer = try await hub.client.send("PUT", "/function/demo/app/a?x=1", body: "text")
                #expect(answer.status == 200 && answer.json["path"] as? String == "/a?x=1", "\(answer.text)")
                #expect(answer.json["body"] as? String == "text" && answer.json["greeting"] as? String == "hi")
                #expect(answer.json["arguments"] as? [String] == ["one"])
                #expect(try await hub.client.send("GET", "/function/demo/app/stream").text.hasSuffix("piece 2\n"))
                #expect(try await hub.client.send("GET", "/function/demo/app/sleep").status == 504)
                #expect(try await hub.client.send("GET", "/function/demo/app/die").status == 502)
                #expect(try await hub.client.call("app").status == 200)
                try await eventually("its lines are in the log") {
                    try await hub.client.send("GET", "/system/logs?name=app&namespace=demo").text.contains(
                        "call /a?x=1")
                }
                let status = try await hub.client.status("app")
                #expect(status.imageDigest?.contains("sha256:") == true)
                _ = try await hub.client.put(.container("app", image, ["command": ["two"]]))
                try await hub.client.wait(for: "app", "updated") { $0.servingVersion == 2 }
                #expect(try await hub.client.call("app").json["arguments"] as? [String] == ["two"])
                try await eventually("the old one is gone") { try await engine.containers(labels: labels).count == 1 }
            }
            #expect(try await engine.containers(labels: labels).isEmpty)
        }
    }

    @Test func aKilledHubLeavesNoContainer() async throws {
        try await with { socket, image in
            let folder = try TestHub.makeFolder(engine: socket)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let labels = ["osiris.cluster": "test", "osiris.function": "demo/app"]
            let program = try await RunningProgram.start(folder)
            _ = try await program.client.put(.container("app", image))
            try await program.client.wait(for: "app")
            kill(program.process.pid, SIGKILL)
            _ = await program.status()
            try await eventually("its container is removed") {
                try await Engine(socket: socket).containers(labels: labels).isEmpty
            }
        }
    }

    @Test func npmInstallsFromTheLockFile() async throws {
        let work = NSTemporaryDirectory() + "osiris-npm-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: work + "/package", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: work) }
        try #"{"name":"demo","version":"1.0.0","main":"index.js"}"#
            .write(toFile: work + "/package/package.json", atomically: true, encoding: .utf8)
        try "exports.name = 'demo 1.0'\n".write(toFile: work + "/package/index.js", atomically: true, encoding: .utf8)
        let script = """
            set -e; cd "$1"; tar czf demo.tgz package
            printf '{"name":"app","version":"1.0.0","dependencies":{"demo":"file:demo.tgz"}}' >package.json
            npm install --package-lock-only --offline --no-audit --no-fund >&2; base64 -w0 demo.tgz
            """
        let packed = try await run("sh", ["-c", script, "sh", work])
        try #require(packed.end == .code(0), "\(packed.errors)")
        try await TestHub.with { hub in
            func file(_ path: String) throws -> [String: Any] {
                let data = try Data(contentsOf: URL(fileURLWithPath: "\(work)/\(path)"))
                return ["path": path, "base64": data.base64EncodedString()]
            }
            let code = "const demo = require('demo')\nexports.handle = () => demo.name\n"
            let files: [[String: Any]] = [
                ["path": "code.js", "base64": Data(code.utf8).base64EncodedString()], try file("package.json"),
                try file("package-lock.json"), try file("demo.tgz"),
            ]
            _ = try await hub.client.put(
                TestFunction(fields: [
                    "name": "app", "namespace": "demo", "runtime": "node", "handler": "code.handle", "files": files,
                ]))
            try await hub.client.wait(for: "app")
            let answer = try await hub.client.call("app")
            #expect(answer.text == #""demo 1.0""#, "\(answer.text)")
        }
    }
}
