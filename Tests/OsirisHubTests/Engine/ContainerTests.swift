import Foundation
import OsirisModel
import Testing

@testable import OsirisHub

/// Functions in containers, on the engine of `engine.py`.
@Suite struct ContainerTests {
    /// A hub that uses the engine.
    private func with(
        _ images: [String: TestEngine.Image] = ["localhost/app:1": .init()],
        _ test: (TestHub, TestEngine) async throws -> Void
    ) async throws {
        try await TestEngine.with(images) { engine in
            let folder = try TestHub.makeFolder(engine: engine.socket)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try await TestHub.with(folder: folder) { try await test($0, engine) }
        }
    }

    private func log(_ hub: TestHub, _ name: String) async throws -> String {
        try await hub.client.send("GET", "/system/logs?name=\(name)&namespace=demo").text
    }

    @Test func aCallGoesThroughWithAllItHas() async throws {
        try await with { hub, engine in
            let secrets: [String: Any] = ["KEY": ["value": "s3cret", "digest": "hmac-sha256:aa"]]
            let more: [String: Any] = ["env": ["GREETING": "hi"], "secrets": secrets, "command": ["one", "two"]]
            #expect(try await hub.client.put(.container("app", "localhost/app:1", more)).status == 201)
            try await hub.client.wait(for: "app")
            let answer = try await hub.client.send(
                "PUT", "/function/demo/app/a/b?x=1", body: "text", headers: ["X-Test": "7"])
            #expect(answer.status == 200 && answer.headers["x-app"] == "yes")
            let json = answer.json
            #expect(json["method"] as? String == "PUT" && json["path"] as? String == "/a/b?x=1")
            #expect(json["body"] as? String == "text" && json["header"] as? String == "7")
            #expect(json["greeting"] as? String == "hi" && json["key"] as? String == "s3cret")
            #expect(json["arguments"] as? [String] == ["one", "two"] && json["token"] as? String == nil)
            #expect(json["env"] as? [String] == ["OSIRIS_FUNCTION", "OSIRIS_NAMESPACE"])
            #expect(try await hub.client.send("GET", "/function/demo/app/made").status == 201)
            #expect(try await hub.client.send("GET", "/function/demo/app/stream").text == "piece 0\npiece 1\npiece 2\n")
            let large = String(repeating: "x", count: 200_000)
            let echoed = try await hub.client.send("POST", "/function/demo/app/large", body: large)
            #expect(echoed.json["body"] as? String == large)
            try await eventually("its lines are in the log") {
                let text = try await log(hub, "app")
                return ["starting\n", "to stderr\n", "call /a/b?x=1\n"].allSatisfy(text.contains)
            }
            let status = try await hub.client.status("app")
            #expect(
                status.image == "localhost/app:1" && status.port == 8080
                    && status.imageDigest?.hasPrefix("sha256:") == true)
        }
    }

    @Test func theContainerIsBoundedAndMarked() async throws {
        try await with { hub, engine in
            let limits = ["memoryBytes": 128 << 20, "processes": 20, "openFiles": 99, "diskBytes": 1 << 20]
            _ = try await hub.client.put(.container("app", "localhost/app:1", ["limits": limits, "port": 9000]))
            try await hub.client.wait(for: "app")
            let all = try engine.containers()
            let one = try #require(all.first)
            #expect(all.count == 1)
            let host = one["HostConfig"]?.mapValue ?? [:]
            #expect(host["ReadonlyRootfs"] == true && host["CapDrop"] == ["ALL"])
            #expect(host["SecurityOpt"] == ["no-new-privileges"] && host["PidsLimit"] == 20)
            #expect(host["Memory"] == .int(128 << 20) && host["MemorySwap"] == .int(128 << 20))
            #expect(host["Tmpfs"]?.mapValue?["/tmp"]?.stringValue?.contains("size=1048576") == true)
            #expect(host["PortBindings"] == ["9000/tcp": [["HostIp": "127.0.0.1", "HostPort": ""]]])
            #expect(host["Ulimits"]?.listValue?.contains(["Name": "nofile", "Soft": 99, "Hard": 99]) == true)
            let labels = one["Config"]?.mapValue?["Labels"]?.mapValue ?? [:]
            #expect(labels["osiris.cluster"] == "test" && labels["osiris.function"] == "demo/app")
            #expect(labels["osiris.version"] == "1" && labels["osiris.hub"]?.stringValue?.count == 32)
            let answer = try await hub.client.call("app")
            #expect(labels["osiris.instance"]?.stringValue == answer.headers["x-instance"])
        }
    }

    @Test func anUpdateTakesOverAndADeleteLeavesNothing() async throws {
        let images: [String: TestEngine.Image] = [
            "localhost/app:1": .init(arguments: ["old"]), "localhost/app:2": .init(arguments: ["new"]),
            "localhost/app:3": .init(arguments: ["broken"]),
        ]
        try await with(images) { hub, engine in
            func arguments() async throws -> [String]? {
                try await hub.client.call("app").json["arguments"] as? [String]
            }
            _ = try await hub.client.put(.container("app", "localhost/app:1"))
            try await hub.client.wait(for: "app")
            #expect(try await arguments() == ["old"])
            _ = try await hub.client.put(.container("app", "localhost/app:2"))
            try await hub.client.wait(for: "app", "updated") { $0.servingVersion == 2 }
            #expect(try await arguments() == ["new"])
            try await eventually("the old one is gone") { try engine.containers().count == 1 }
            // One that ends by itself never serves.
            _ = try await hub.client.put(.container("app", "localhost/app:3"))
            try await hub.client.wait(for: "app", "failing") { $0.lastError?.contains("no database") == true }
            #expect(try await arguments() == ["new"])
            let deletion = #"{"functionName":"app","namespace":"demo"}"#
            #expect(try await hub.client.send("DELETE", "/system/functions", body: deletion).status == 202)
            try await eventually("no container is left") { try engine.containers().isEmpty }
        }
    }

    @Test func itScalesToZeroAndBack() async throws {
        try await with { hub, engine in
            _ = try await hub.client.put(
                .container("app", "localhost/app:1", ["scale": ["min": 0, "max": 1, "idleMs": 50]]))
            #expect(try engine.containers().isEmpty)
            let first = try await hub.client.call("app")
            #expect(first.status == 200 && first.headers["x-cold-start"] == "1")
            try await eventually("it is stopped") { try engine.containers().isEmpty }
            #expect(try await hub.client.call("app").json["pid"] as? Int != first.json["pid"] as? Int)
        }
    }

    @Test func aPullIsToldAndItsFailureTooWhileTheOldVersionServes() async throws {
        let images: [String: TestEngine.Image] = [
            "localhost/app:1": .init(), "localhost/slow:1": .init(pulled: true, pullSeconds: 3),
            "localhost/denied:1": .init(pulled: true, pullError: "denied: no access"),
        ]
        try await with(images) { hub, _ in
            _ = try await hub.client.put(.container("app", "localhost/app:1"))
            try await hub.client.wait(for: "app")
            _ = try await hub.client.put(.container("app", "localhost/slow:1"))
            try await hub.client.wait(for: "app", "pulling") { $0.activity == "pulling image localhost/slow:1" }
            #expect(try await hub.client.call("app").status == 200)
            try await hub.client.wait(for: "app", "pulled") { $0.servingVersion == 2 && $0.activity == nil }
            _ = try await hub.client.put(.container("app", "localhost/denied:1"))
            try await hub.client.wait(for: "app", "refused") {
                $0.lastError?.contains("localhost/denied:1 cannot be pulled: denied: no access") == true
            }
            #expect(try await hub.client.call("app").headers["x-function-version"] == "2")
        }
    }

    @Test func aMovedTagChangesNoVersionThatRuns() async throws {
        let repository = "localhost/app@sha256:"
        let (old, new) = (String(repeating: "a", count: 64), String(repeating: "b", count: 64))
        let image = TestEngine.Image(digests: [repository + old], arguments: ["old"], pulled: true)
        try await with(["localhost/app:1": image]) { hub, engine in
            _ = try await hub.client.put(.container("app", "localhost/app:1"))
            try await hub.client.wait(for: "app")
            #expect(try await hub.client.status("app").imageDigest == repository + old)
            var images = ["localhost/app:1": TestEngine.Image(digests: [repository + new], arguments: ["new"])]
            images["localhost/app:old"] = image
            images["localhost/app:old"]?.pulled = false
            try engine.set(images)
            let id = try #require(try engine.containers().first?["Id"]?.stringValue)
            try await engine.engine.remove(id)
            try await eventually("another one runs") {
                try engine.containers().contains { $0["Id"]?.stringValue != id }
            }
            #expect(try await hub.client.call("app").json["arguments"] as? [String] == ["old"])
        }
    }

    @Test func whatEndsIsStartedAgain() async throws {
        try await with { hub, engine in
            _ = try await hub.client.put(.container("app", "localhost/app:1", ["limits": ["timeoutMs": 1500]]))
            try await hub.client.wait(for: "app")
            let first = try await hub.client.call("app")
            // Somebody removes it.
            let id = try #require(try engine.containers().first?["Id"]?.stringValue)
            try await engine.engine.remove(id)
            try await hub.client.wait(for: "app", "started again") { $0.restarts == 1 && $0.ready }
            // It is killed before it is removed; the hub sees the one or the other.
            let reason = try await hub.client.status("app").lastError ?? ""
            #expect(reason.hasPrefix("somebody removed the container") || reason.hasPrefix("signal 9"), "\(reason)")
            #expect(try await hub.client.call("app").json["pid"] as? Int != first.json["pid"] as? Int)
            // It dies in a call.
            let died = try await hub.client.send("GET", "/function/demo/app/die")
            #expect(died.status == 502 && died.code == "instance_died")
            // It takes too long.
            let slow = try await hub.client.send("GET", "/function/demo/app/sleep")
            #expect(slow.status == 504 && slow.code == "timeout")
            try await hub.client.wait(for: "app")
            #expect(try await hub.client.call("app").status == 200)
            try await eventually("one container is left") { try engine.containers().count == 1 }
        }
    }

    @Test func itWaitsUntilItIsReady() async throws {
        try await with(["localhost/app:1": .init(arguments: ["late"])]) { hub, _ in
            _ = try await hub.client.put(.container("app", "localhost/app:1", ["alwaysOn": true]))
            #expect(try await hub.client.send("GET", "/ready", token: nil).status == 503)
            let answer = try await hub.client.call("app")
            #expect(answer.status == 200)
            try await hub.client.wait(for: "app")
            #expect(try await log(hub, "app").components(separatedBy: "starting").count == 2)
        }
    }

    @Test func manyCallsOneAfterTheOtherKeepOneContainer() async throws {
        try await with { hub, engine in
            _ = try await hub.client.put(.container("app", "localhost/app:1"))
            var pids: Set<Int> = []
            for number in 0..<200 {
                let answer = try await hub.client.call("app", "\(number)")
                #expect(answer.json["body"] as? String == "\(number)")
                if let pid = answer.json["pid"] as? Int { pids.insert(pid) }
            }
            #expect(pids.count == 1)
        }
    }

    @Test func withoutAnEngineADeploymentIsRefused() async throws {
        let folder = try TestHub.makeFolder(engine: "/nowhere/engine.sock")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder) { hub in
            let answer = try await hub.client.put(.container("app", "localhost/app:1"))
            #expect(answer.status == 409 && answer.code == "no_engine")
            #expect(answer.message.contains("/nowhere/engine.sock"))
            let info = try await hub.client.send("GET", "/system/info").json["containers"] as? [String: Any]
            #expect(info?["available"] as? Bool == false)
        }
    }

    /// Nobody waits for an engine that hangs: not the hub's start, not `/system/info`. It never answers here, and the hub
    /// has not even given up asking when both are done.
    @Test func anEngineThatHangsHoldsUpNobody() async throws {
        let silent = try SilentSocket()
        defer { silent.end() }
        let folder = try TestHub.makeFolder(engine: silent.path)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder) { hub in
            let info = try await hub.client.send("GET", "/system/info").json["containers"] as? [String: Any]
            #expect(info?["available"] == nil)
            #expect((info?["how"] as? String)?.contains("has not answered yet") == true)
            #expect(silent.firstStillWaits())
            _ = try await hub.client.put(.python("f", "def handle():\n    return 1\n"))
            #expect(try await hub.client.call("f").text == "1")
        }
    }

    @Test func anEngineThatComesLaterIsNoticed() async throws {
        let state = EngineState()
        #expect(await state.claim { .init(available: false, how: "none") }?.available == false)
        // Not asked again at once.
        #expect(await state.claim { .init(available: true, how: "one") }?.available == false)
        await state.said(.init(available: true, how: "one"))
        #expect(await state.claim { .init(available: false, how: "none") }?.how == "one")
    }

    @Test func faultyDeploymentsAreRefused() async throws {
        try await with { hub, _ in
            for (more, part) in [
                (["image": "a b"], "reference of an image"), (["port": 0], "port must be"),
                (["handler": "a.b"], "handler does not go"),
                (["files": [["path": "a", "base64": ""]]], "files do not go"),
            ] as [([String: Any], String)] {
                let answer = try await hub.client.put(.container("app", "localhost/app:1", more))
                #expect(answer.status == 400 && answer.message.contains(part), "\(answer.message)")
            }
            let answer = try await hub.client.put(.command("run", "cat", ["image": "x"]))
            #expect(answer.status == 400 && answer.message.contains("container only"))
        }
    }

    @Test func aKilledHubLeavesNoContainer() async throws {
        try await TestEngine.with(["localhost/app:1": .init()]) { engine in
            let folder = try TestHub.makeFolder(engine: engine.socket)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let stranger = try await engine.engine.create(
                name: "stranger", EngineTests.configuration(["osiris.hub": "another"]))
            let program = try await RunningProgram.start(folder)
            _ = try await program.client.put(.container("app", "localhost/app:1"))
            try await program.client.wait(for: "app")
            let id = try engine.containers().compactMap { $0["Id"]?.stringValue }.first { $0 != stranger }
            kill(program.process.pid, SIGKILL)
            _ = await program.status()
            // The guard does it, without another hub.
            try await eventually("its container is removed") {
                try engine.containers().map { $0["Id"]?.stringValue } == [stranger]
            }
            let next = try await RunningProgram.start(folder)
            try await next.client.wait(for: "app")
            #expect(try await next.client.call("app").status == 200)
            #expect(try engine.containers().count == 2)
            #expect(try engine.containers().contains { $0["Id"]?.stringValue == id } == false)
            #expect(try await next.stop() == .code(0))
            #expect(try engine.containers().map { $0["Id"]?.stringValue } == [stranger])
        }
    }

    @Test func leftoversAreRemovedAtTheNextStart() async throws {
        try await TestEngine.with(["localhost/app:1": .init()]) { engine in
            let folder = try TestHub.makeFolder(engine: engine.socket)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            var labels: [String: Value] = [:]
            try await TestHub.with(folder: folder) { hub in
                _ = try await hub.client.put(.container("app", "localhost/app:1"))
                try await hub.client.wait(for: "app")
                labels = try engine.containers().first?["Config"]?.mapValue?["Labels"]?.mapValue ?? [:]
            }
            #expect(try engine.containers().isEmpty)
            let left = try await engine.engine.create(
                name: "left", EngineTests.configuration(labels.compactMapValues(\.stringValue)))
            try await TestHub.with(folder: folder) { hub in
                try await hub.client.wait(for: "app")
                #expect(try engine.containers().count == 1)
                #expect(try await engine.engine.container(left) == nil)
            }
        }
    }
}
