import Foundation
import Testing

@testable import OsirisHub

@Suite(.serialized) struct RecoveryTests {
    @Test func aTimeoutKillsTheWholeGroupAndTheNextCallWorks() async throws {
        try await TestHub.with { hub in
            let code = """
                import subprocess, time, uuid
                own = uuid.uuid4().hex
                def handle(slow=False):
                    if slow:
                        subprocess.Popen(["sleep", "600"])
                        time.sleep(600)
                    return own
                """
            _ = try await hub.client.put(.python("slow", code, ["limits": ["timeoutMs": 6000]]))
            try await hub.client.wait(for: "slow")
            let first = try await hub.client.call("slow")
            let client = hub.client
            let running = Task { try await client.call("slow", #"{"slow":true}"#) }
            try await eventually("the call runs") { Members.count("sleep", of: hub.folder) == 1 }
            let members = Members.of(hub.folder)
            let answer = try await running.value
            #expect(answer.status == 504)
            #expect(answer.code == "timeout")
            // The function itself is reaped before the answer; what it started is reaped by init soon after.
            try await eventually("the group is gone") { !members.contains(where: \.isAlive) }
            try await hub.client.wait(for: "slow")
            let next = try await hub.client.call("slow")
            #expect(next.status == 200)
            #expect(next.text != first.text)
        }
    }

    @Test func aCrashIsAnsweredRestartedAndCounted() async throws {
        try await TestHub.with { hub in
            let code = """
                import os, uuid
                own = uuid.uuid4().hex
                def handle(die=False):
                    if die: os._exit(7)
                    return own
                """
            _ = try await hub.client.put(.python("crash", code))
            let first = try await hub.client.call("crash")
            let died = try await hub.client.call("crash", #"{"die":true}"#)
            #expect(died.status == 502)
            #expect(died.code == "instance_died")
            #expect(died.error["retryable"] as? Bool == true)
            let second = try await hub.client.call("crash")
            #expect(second.status == 200)
            #expect(second.text != first.text)
            let status = try await hub.client.status("crash")
            #expect(status.restarts == 1)
            #expect(status.lastError == "exit code 7")
            let metrics = try await hub.client.send("GET", "/metrics").text
            #expect(metrics.contains(#"osiris_function_restarts_total{function_name="crash.demo"} 1"#))
            #expect(metrics.contains(#"gateway_function_invocation_total{function_name="crash.demo",code="502"} 1"#))
            #expect(metrics.contains(#"gateway_functions_seconds_count{function_name="crash.demo",code="200"} 2"#))
            #expect(metrics.contains(#"gateway_service_count{function_name="crash.demo"} 1"#))
        }
    }

    @Test func aCrashLoopSaysWhy() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(.command("loop", "echo 'no database' >&2\nexit 3\n", ["alwaysOn": true]))
            try await hub.client.wait(for: "loop", "in a crash loop") { $0.state == .crashLoop }
            #expect(try await hub.client.status("loop").lastError == "exit code 3: no database")
            // It looks ready for a moment each time it is started.
            var ready = try await hub.client.send("GET", "/ready", token: nil)
            try await eventually("not ready") {
                ready = try await hub.client.send("GET", "/ready", token: nil)
                return ready.status == 503
            }
            let readiness = try JSONDecoder().decode(Readiness.self, from: ready.body)
            #expect(readiness.waiting.map(\.name) == ["loop"])
            #expect(readiness.waiting.first?.reason.contains("exit code 3: no database") == true)
        }
    }

    @Test func deployedFunctionsSurviveARestart() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let code = "import os\ndef handle():\n    return os.environ['KEY']\n"
        let secrets: [String: Any] = ["secrets": ["KEY": ["value": "s3cret", "digest": "hmac-sha256:aa"]]]
        var before: FunctionStatus?
        try await TestHub.with(folder: folder) { hub in
            _ = try await hub.client.put(.python("kept", code, secrets))
            try await hub.client.wait(for: "kept")
            before = try await hub.client.status("kept")
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/hub.pid"))
        try await TestHub.with(folder: folder) { hub in
            #expect(try await hub.client.call("kept").text == #""s3cret""#)
            let after = try await hub.client.status("kept")
            #expect(after.sourceDigest == before?.sourceDigest)
            #expect(after.version == before?.version)
            #expect(try await hub.client.put(.python("kept", code, secrets)).status == 200)
        }
    }

    @Test func aCallThatOutlivesTheGraceIsAnsweredAndEnded() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var running: Task<Answer, any Error>?
        var waiting: Task<Answer, any Error>?
        try await TestHub.with(folder: folder, drainGrace: .milliseconds(100)) { hub in
            let code = "import subprocess\ndef handle():\n    subprocess.run(['sleep', '600'])\n"
            _ = try await hub.client.put(.python("long", code, ["limits": ["timeoutMs": 600_000]]))
            let client = hub.client
            running = Task { try await client.call("long") }
            try await eventually("the call runs") { Members.count("sleep", of: folder) == 1 }
            waiting = Task { try await client.call("long") }
            try await client.wait(for: "long", "waited for") { $0.queueLength == 1 }
        }
        let answer = try await running?.value
        #expect(answer?.status == 502)
        #expect(answer?.code == "instance_died")
        let late = try await waiting?.value
        #expect(late?.status == 503)
        #expect(late?.code == "shutting_down")
    }

    @Test func atTheEndAProgramIsAskedFirst() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder) { hub in
            let script = "trap 'echo bye >&2; exit 0' TERM\necho trapped >&2\nwhile :; do sleep 0.05; done\n"
            _ = try await hub.client.put(.command("polite", script))
            try await eventually("it has its trap") {
                try await hub.client.send("GET", "/system/logs?name=polite&namespace=demo").text == "trapped\n"
            }
        }
        // The hub is gone; its log says what the program did last.
        try await eventually("it said goodbye") {
            let log = try String(contentsOfFile: folder + "/logs/polite.demo.log", encoding: .utf8)
            return log.contains("bye")
        }
    }

    @Test func leftoversOfAnEarlierHubAreKilledButNotAStranger() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let command = ChildProcess.Command(
            program: "sleep", arguments: ["600"], environment: ["PATH": "/usr/bin:/bin"], folder: "/")
        let (leftover, _) = try await ChildProcess.launch(command) { _ in }
        let (stranger, _) = try await ChildProcess.launch(command) { _ in }
        defer { stranger.signal(SIGKILL) }
        let before = InstanceLedger(data: DataFolder(path: folder))
        await before.add(leftover.pid)
        await before.add(stranger.pid)
        // The same id with another start time is another process.
        let list = folder + "/instances"
        let time = try #require(ProcessIdentity(pid: stranger.pid)).startTime
        let text = try String(contentsOfFile: list, encoding: .utf8)
            .replacingOccurrences(of: "\(stranger.pid),\"startTime\":\(time)", with: "\(stranger.pid),\"startTime\":1")
        try text.write(toFile: list, atomically: true, encoding: .utf8)
        #expect(try await InstanceLedger(data: DataFolder(path: folder)).reapLeftovers() == 1)
        try await eventually("the leftover is gone") { !isRunning(Int(leftover.pid)) }
        #expect(isRunning(Int(stranger.pid)))
    }

    @Test func oneHubPerFolder() async throws {
        try await TestHub.with { hub in
            await #expect(throws: StartFailure.self) { try await TestHub.with(folder: hub.folder) { _ in } }
            let health = try await hub.client.send("GET", "/healthz", token: nil)
            #expect(health.text == "OK")
        }
    }

    @Test func memoryIsLimited() async throws {
        try await TestHub.with { hub in
            let code = "def handle(n):\n    return len(bytearray(n))\n"
            _ = try await hub.client.put(.python("memory", code, ["limits": ["memoryBytes": 256 << 20]]))
            #expect(try await hub.client.call("memory", "[1000]").text == "1000")
            let refused = try await hub.client.call("memory", "[\(512 << 20)]")
            #expect(refused.status == 500)
            #expect(refused.message.contains("MemoryError"))
        }
    }
}
