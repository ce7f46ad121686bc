import Foundation
import OsirisModel
import Testing

@testable import OsirisHub

/// The built hub with asynchronous calls, killed and starved.
@Suite(.serialized) struct AsyncKillTests {
    private static let count = 1_000
    private static let atOnce = 4

    /// Tells the listener of each call before it answers.
    private static func counting(_ listener: TestListener) -> TestFunction {
        let code = """
            import urllib.request
            def handle(event):
                urllib.request.urlopen("\(listener.url)/counted", data=str(event).encode()).read()
                return event
            """
        return .python("count", code, ["scale": ["max": Self.atOnce], "limits": ["timeoutMs": 60_000]])
    }

    @Test func aThousandQueuedCallsSurviveKills() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestListener.with { listener in
            var hub = try await RunningProgram.start(folder)
            _ = try await hub.client.put(Self.counting(listener))
            try await hub.client.wait(for: "count")
            // No call ends before all are in the queue.
            listener.hold()
            try await Self.submitAll(hub.client, callback: listener.url + "/called")
            try await eventually("the first ones run") { try listener.counted().count == Self.atOnce }
            let metrics = try await hub.client.send("GET", "/metrics").text
            #expect(
                metrics.contains(
                    "osiris_async_queue_length{function_name=\"count.demo\"} \(Self.count - Self.atOnce)\n"))
            let kills = [Self.atOnce, 200, 450, 700]
            for kill in kills {
                try await eventually("\(kill) are delivered", patience: 120) { try listener.counted().count >= kill }
                hub.process.signal(SIGKILL)
                #expect(await hub.status() == .signal(SIGKILL))
                listener.release()
                hub = try await RunningProgram.start(folder)
            }
            let client = hub.client
            try await eventually("all have succeeded and told so", patience: 180) {
                try await client.records("succeeded").count { $0.callback?.state == "delivered" } == Self.count
            }
            try Self.judge(try listener.received(), records: try await client.records("succeeded"), kills: kills.count)
            #expect(try await hub.stop() == .code(0))
        }
    }

    private static func submitAll(_ client: Client, callback: String) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<20 {
                group.addTask {
                    for number in stride(from: worker, to: Self.count, by: 20) {
                        let answer = try await client.send(
                            "POST", "/async-function/demo/count", body: "\(number)", token: "invoke",
                            headers: ["X-Call-Id": "call-\(number)", "X-Callback-Url": callback])
                        #expect(answer.status == 202)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func judge(_ received: [TestListener.Received], records: [ListedCall], kills: Int) throws {
        let delivered = received.filter { $0.path == "/counted" }.map(\.body)
        let told = received.filter { $0.path == "/called" }
        #expect(Set(delivered) == Set((0..<count).map(String.init)))
        #expect(Set(told.compactMap { $0.headers["x-call-id"] }) == Set((0..<count).map { "call-\($0)" }))
        for message in told { #expect(message.headers["x-call-id"] == "call-\(message.body)") }
        let twice = delivered.count - count
        let toldTwice = told.count - count
        print("\(kills) kills: \(twice) of \(count) calls delivered again, \(toldTwice) callbacks sent again")
        // The four that were held by the listener when the first kill came, at least.
        #expect((atOnce...kills * atOnce).contains(twice))
        #expect((0...kills * atOnce).contains(toldTwice))
        // Every delivery but those of a moment too early for the function to tell has its attempt.
        let again = records.reduce(0) { $0 + $1.attempts - 1 }
        #expect(again >= twice && again <= kills * atOnce)
    }

    @Test func aFullDiskRefusesCallsAndLosesNone() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let hub = try await RunningProgram.start(folder)
        _ = try await hub.client.put(.python("echo", "def handle(event):\n    return len(event)\n"))
        try await hub.client.wait(for: "echo")
        func submit(_ id: String) async throws -> Answer {
            let body = "\"" + String(repeating: "x", count: 900_000) + "\""
            return try await hub.client.send(
                "POST", "/async-function/demo/echo", body: body, headers: ["X-Call-Id": id])
        }
        #expect(try await submit("before").status == 202)
        _ = try await hub.client.ended("before")
        // No file of the hub may grow beyond this any more, so the next megabyte does not fit.
        let log = try FileManager.default.attributesOfItem(atPath: folder + "/calls.db-wal")[.size] as? Int ?? 0
        try await limitFiles(of: hub, to: "\(log)")
        let refused = try await withThrowingTaskGroup(of: Answer.self) { group in
            for number in 0..<5 { group.addTask { try await submit("full-\(number)") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for answer in refused {
            #expect(answer.status == 503 && answer.code == "not_stored" && answer.headers["retry-after"] == "10")
        }
        #expect(try await hub.client.call("echo", "\"abc\"").text == "3")
        #expect(try await hub.client.send("GET", "/v1/calls/full-0").status == 404)
        try await limitFiles(of: hub, to: "unlimited")
        #expect(try await submit("full-1").status == 202)
        #expect(try await hub.client.ended("full-1")["state"] as? String == "succeeded")
        let all = try await hub.client.records("succeeded").filter(\.async).map(\.callId)
        #expect(Set(all) == ["before", "full-1"])
        #expect(try await hub.stop() == .code(0))
    }

    private func limitFiles(of hub: RunningProgram, to size: String) async throws {
        let pid = try Launch(
            "/usr/bin/prlimit", ["--pid", "\(hub.process.pid)", "--fsize=\(size):unlimited"], environment: [:],
            folder: "/", output: .nothing, errors: .nothing
        ).start()
        #expect(await Launch.end(of: pid) == 0)
    }
}

/// A record as a list shows it.
struct ListedCall: Decodable {
    struct Callback: Decodable { var state: String }

    var callId: String
    var attempts: Int
    var async: Bool
    var callback: Callback?
}

extension Client {
    /// The records of calls in this state, at most 1,000.
    fileprivate func records(_ state: String) async throws -> [ListedCall] {
        let answer = try await send("GET", "/v1/calls?state=\(state)&limit=1000")
        return try JSONDecoder().decode([ListedCall].self, from: answer.body)
    }
}

extension TestListener {
    fileprivate func counted() throws -> [Received] { try received().filter { $0.path == "/counted" } }
}
