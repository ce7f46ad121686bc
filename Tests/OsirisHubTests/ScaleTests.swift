import Foundation
import NIOCore
import Testing

@testable import OsirisHub

/// Instances that come with the calls and go without them.
@Suite(.serialized) struct ScaleTests {
    private static func scaled(_ name: String, _ code: String, _ scale: [String: Int]) -> TestFunction {
        // Longer than any gate stays shut on a busy machine.
        .python(name, code, ["scale": ["idleMs": 300].merging(scale) { $1 }, "limits": ["timeoutMs": 60_000]])
    }

    /// Makes calls at once.
    /// - Returns: their answers in any order.
    private static func burst(_ client: Client, _ name: String, _ count: Int) async throws -> [Answer] {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            for _ in 0..<count { group.addTask { try await client.call(name) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// A hub whose only interpreters are those of its functions, so that they can be counted.
    private static func withoutWarm(_ test: (TestHub) async throws -> Void) async throws {
        let folder = try TestHub.makeFolder(warm: .init(each: 0))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder, test)
    }

    @Test func aBurstFromZeroScalesToMaxAndBackToZero() async throws {
        try await Self.withoutWarm { hub in
            let gate = try Gate()
            let put = try await hub.client.put(
                Self.scaled("burst", gate.code(), ["min": 0, "max": 4]))
            #expect(put.status == 201)
            let asleep = try await hub.client.status("burst")
            #expect(asleep.replicas == 0)
            #expect(asleep.ready)
            let client = hub.client
            async let calls = Self.burst(client, "burst", 50)
            try await client.wait(for: "burst", "at its most") { $0.runningCalls == 4 && $0.queueLength == 46 }
            let busy = try await client.status("burst")
            #expect(busy.replicas == 4)
            #expect(busy.availableReplicas == 4)
            #expect(busy.startingReplicas == 0)
            let text = try await client.send("GET", "/metrics").text
            #expect(text.contains(#"gateway_service_count{function_name="burst.demo"} 4"#))
            #expect(text.contains(#"osiris_function_queue_length{function_name="burst.demo"} 46"#))
            #expect(text.contains("osiris_function_cold_starts_total{function_name=\"burst.demo\"}"))
            #expect(!text.contains("osiris_function_cold_starts_total{function_name=\"burst.demo\"} 0"))
            #expect(Members.count("python3", of: hub.folder) == 4)
            let members = Members.of(hub.folder)
            gate.open()
            let answers = try await calls
            #expect(answers.map(\.status) == Array(repeating: 200, count: 50))
            #expect(Set(answers.map(\.text)).count == 4)
            try await client.wait(for: "burst", "asleep") { $0.replicas == 0 }
            try await eventually("its processes are gone") { !members.contains(where: \.isAlive) }
            #expect(try await client.status("burst").state == .stopped)
            #expect(try await client.call("burst").status == 200)
        }
    }

    @Test func itGoesDownToMinAndNoFurther() async throws {
        try await Self.withoutWarm { hub in
            let gate = try Gate()
            _ = try await hub.client.put(Self.scaled("f", gate.code(), ["min": 1, "max": 3]))
            let client = hub.client
            async let calls = Self.burst(client, "f", 3)
            try await client.wait(for: "f", "busy") { $0.runningCalls == 3 }
            #expect(Members.count("python3", of: hub.folder) == 3)
            gate.open()
            let words = Set(try await calls.map(\.text))
            #expect(words.count == 3)
            try await client.wait(for: "f", "back") { $0.replicas == 1 }
            try await eventually("two are gone") { Members.count("python3", of: hub.folder) == 1 }
            #expect(words.contains(try await client.call("f").text))
        }
    }

    @Test func concurrencyIsHowManyCallsAnInstanceIsWorth() async throws {
        try await TestHub.with { hub in
            let gate = try Gate()
            _ = try await hub.client.put(
                Self.scaled("f", gate.code(), ["min": 0, "max": 8, "concurrency": 5]))
            let client = hub.client
            async let calls = Self.burst(client, "f", 10)
            try await client.wait(for: "f", "busy") { $0.runningCalls == 2 && $0.queueLength == 8 }
            #expect(try await client.status("f").replicas == 2)
            gate.open()
            #expect(try await calls.allSatisfy { $0.status == 200 })
        }
    }

    @Test func aFullQueueIsTold() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder, queueBound: 5) { hub in
            let gate = try Gate()
            _ = try await hub.client.put(Self.scaled("f", gate.code(), ["min": 0, "max": 1]))
            let client = hub.client
            // The bound counts who waits; the first one must be out of the queue before the others fill it.
            async let first = Self.burst(client, "f", 1)
            try await client.wait(for: "f", "busy") { $0.runningCalls == 1 }
            async let calls = Self.burst(client, "f", 5)
            try await client.wait(for: "f", "full") { $0.queueLength == 5 }
            let refused = try await client.call("f")
            #expect(refused.status == 429)
            #expect(refused.code == "too_many_calls")
            #expect(refused.headers["retry-after"] == "1")
            #expect(refused.error["retryable"] as? Bool == true)
            gate.open()
            let answers = try await first + calls
            #expect(answers.map(\.status) == Array(repeating: 200, count: 6))
        }
    }

    @Test func aWakeThatFailsIsToldAtOnce() async throws {
        try await TestHub.with { hub in
            // An hour: only the failure itself can answer these calls in time.
            var broken = Self.scaled("f", "raise OSError('bad day')\n", ["min": 0, "max": 4])
            broken.fields["limits"] = ["timeoutMs": 3_600_000]
            _ = try await hub.client.put(broken)
            let answers = try await Self.burst(hub.client, "f", 6)
            for answer in answers {
                #expect(answer.status == 503)
                #expect(answer.code == "not_ready")
                #expect(answer.message.contains("bad day"))
            }
            try await hub.client.wait(for: "f", "given up") { $0.replicas == 0 }
            #expect(try await hub.client.status("f").lastError?.contains("bad day") == true)
            _ = try await hub.client.put(Self.scaled("f", "def handle():\n    return 'well'\n", ["min": 0, "max": 4]))
            #expect(try await hub.client.call("f").text == #""well""#)
        }
    }

    @Test func functionsDoNotTakeFromEachOther() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestHub.with(folder: folder, queueBound: 20) { hub in
            let gate = try Gate()
            _ = try await hub.client.put(Self.scaled("stuck", gate.code(), ["min": 0, "max": 2]))
            _ = try await hub.client.put(
                Self.scaled(
                    "free", "import os\nword = os.urandom(8).hex()\ndef handle():\n    return word\n",
                    ["min": 0, "max": 2]))
            let client = hub.client
            async let first = Self.burst(client, "stuck", 2)
            try await client.wait(for: "stuck", "busy") { $0.runningCalls == 2 }
            async let others = Self.burst(client, "stuck", 20)
            try await client.wait(for: "stuck", "full") { $0.runningCalls == 2 && $0.queueLength == 20 }
            #expect(try await client.call("stuck").status == 429)
            let answers = try await Self.burst(client, "free", 20)
            #expect(answers.allSatisfy { $0.status == 200 })
            #expect((1...2).contains(Set(answers.map(\.text)).count))
            let status = try await client.status("stuck")
            #expect(status.runningCalls == 2)
            #expect(status.queueLength == 20)
            try await client.wait(for: "free", "asleep") { $0.replicas == 0 }
            gate.open()
            let late = try await first + others
            #expect(late.allSatisfy { $0.status == 200 })
            #expect(Set(late.map(\.text)).isDisjoint(with: answers.map(\.text)))
        }
    }

    @Test func anUpdateUnderLoadWhileScalingFailsNoCall() async throws {
        try await TestHub.with { hub in
            func version(_ number: Int) -> TestFunction {
                // Shorter than a start, so that instances come and go during the updates.
                Self.scaled(
                    "live", "import time\ndef handle():\n    time.sleep(0.02)\n    return \(number)\n",
                    ["min": 0, "max": 4, "idleMs": 20])
            }
            _ = try await hub.client.put(version(1))
            let client = hub.client
            let failures = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        var failures: [String] = []
                        var last = 0
                        while last != 4 {
                            let answer = try await client.call("live")
                            if answer.status != 200 { failures.append(answer.text) }
                            last = Int(answer.text) ?? 0
                        }
                        return failures
                    }
                }
                for number in 2...4 {
                    try await eventually("version \(number - 1) answers") {
                        try await client.call("live").text == "\(number - 1)"
                    }
                    _ = try await client.put(version(number))
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(failures == [])
            try await client.wait(for: "live", "asleep") { $0.replicas == 0 && $0.servingVersion == 4 }
        }
    }

    @Test func anUpdateFromZeroProvesItselfAndABrokenOneDoesNotServe() async throws {
        try await TestHub.with { hub in
            let scale = ["min": 0, "max": 2, "idleMs": 100]
            _ = try await hub.client.put(Self.scaled("f", "def handle():\n    return 1\n", scale))
            #expect(try await hub.client.call("f").text == "1")
            try await hub.client.wait(for: "f", "asleep") { $0.replicas == 0 }
            _ = try await hub.client.put(Self.scaled("f", "def handle():\n    return 2\n", scale))
            try await hub.client.wait(for: "f") { $0.ready && $0.servingVersion == 2 }
            try await hub.client.wait(for: "f", "asleep") { $0.replicas == 0 }
            _ = try await hub.client.put(Self.scaled("f", "raise OSError('bad day')\n", scale))
            try await hub.client.wait(for: "f", "explained") { $0.lastError?.contains("bad day") == true }
            #expect(try await !hub.client.status("f").ready)
            // The one before it sleeps, and wakes.
            #expect(try await hub.client.call("f").text == "2")
        }
    }

    @Test func replicasCanBeAskedFor() async throws {
        try await TestHub.with { hub in
            let client = hub.client
            _ = try await client.put(Self.scaled("f", "def handle():\n    return 1\n", ["min": 0, "max": 3]))
            func ask(_ replicas: Int, _ name: String = "f", token: String = "admin") async throws -> Answer {
                try await client.send(
                    "POST", "/system/scale-function/\(name)?namespace=demo",
                    body: #"{"serviceName":"\#(name)","replicas":\#(replicas)}"#, token: token)
            }
            #expect(try await ask(2).status == 202)
            try await client.wait(for: "f", "at two") { $0.replicas == 2 && $0.availableReplicas == 2 }
            #expect(try await ask(0).status == 202)
            try await client.wait(for: "f", "asleep") { $0.replicas == 0 }
            let refused = try await ask(4)
            #expect(refused.status == 400)
            #expect(refused.message.contains("0...3"))
            #expect(try await ask(1, "none").status == 404)
            #expect(try await ask(1, token: "invoke").status == 403)
            let text = try await client.send("POST", "/system/scale-function/f?namespace=demo", body: "{}")
            #expect(text.status == 400)
        }
    }

    @Test func aConnectionThatClosesLeavesTheQueueAndSparesTheRunningCall() async throws {
        try await TestHub.with { hub in
            let gate = try Gate()
            _ = try await hub.client.put(Self.scaled("f", gate.code(), ["min": 0, "max": 1]))
            let client = hub.client
            let first = Task { try? await client.call("f") }
            try await client.wait(for: "f", "busy") { $0.runningCalls == 1 }
            // A client of its own, so that it is its connection that goes.
            let second = Task { try? await Client(port: client.port).call("f") }
            try await client.wait(for: "f", "waited for") { $0.queueLength == 1 }
            second.cancel()
            try await client.wait(for: "f", "waited for no more") { $0.queueLength == 0 }
            #expect(try await client.status("f").runningCalls == 1)
            gate.open()
            #expect(await first.value?.status == 200)
            try await eventually("it is counted") {
                try await client.send("GET", "/metrics").text.contains(#"function_name="f.demo",code="499"} 1"#)
            }
        }
    }

    @Test func aCancelledCallLeavesTheQueue() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let started = String(decoding: Sandbox.started, as: UTF8.self)
        let gate = folder + "/gate"
        let script =
            "echo '\(started)'; while read -r line; do until [ -e '\(gate)' ]; do sleep 0.01; done; echo \"$line\"; done"
        let command = ChildProcess.Command(
            program: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"], folder: "/")
        let log = FunctionLog(path: folder + "/log")
        let ledger = InstanceLedger(data: DataFolder(path: folder))
        let pool = InstancePool(
            scale: .init(min: 0, max: 1), queueBound: 10, events: .init(ready: {}, restarted: {}, coldStart: {})
        ) { _ in Instance(.init(command: command, wire: .lines, outputBytes: 1000), log: log, ledger: ledger) }
        @Sendable func call(_ input: String) async throws -> String? {
            let call = InstanceCall(
                id: "c", method: .post, path: "/", headers: [:], body: .whole(ByteBuffer(string: input)))
            let run = try await pool.call(call, waitUntil: .now + .seconds(60), timeout: .seconds(60))
            guard case .end(.answered(_, let body)) = run.first else { return nil }
            return String(buffer: body)
        }
        let first = Task { try await call("1") }
        try await eventually("the first call runs") { await pool.status().running == 1 }
        let second = Task { try await call("2") }
        try await eventually("the second call waits") { await pool.status().waiting == 1 }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        #expect(await pool.status().waiting == 0)
        #expect(FileManager.default.createFile(atPath: gate, contents: nil))
        #expect(try await first.value == "1")
        await pool.stop()
    }
}
