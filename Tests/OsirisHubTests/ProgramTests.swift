import Foundation
import Testing

@testable import OsirisHub

/// The built program as a process of its own.
@Suite(.serialized) struct ProgramTests {
    @Test func killedHardItLeavesNoFunctionBehind() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let hub = try await RunningProgram.start(folder)
        let code = """
            import os, subprocess
            def handle(busy=False):
                subprocess.Popen(["sleep", "600"])
                if busy: os.read(os.pipe()[0], 1)
            """
        _ = try await hub.client.put(.python("py", code))
        let stubborn = "trap '' TERM\nwhile read -r line; do echo 1; done\nexec sleep 600\n"
        _ = try await hub.client.put(.command("stubborn", stubborn))
        let polite = "sleep 600 &\nwhile read -r line; do echo 1; done\n"
        _ = try await hub.client.put(.command("polite", polite))
        for name in ["py", "stubborn", "polite"] { #expect(try await hub.client.call(name).status == 200) }
        // One call runs while the hub dies, so the handler is not at its read.
        let client = hub.client
        let running = Task { try? await client.call("py", #"{"busy":true}"#) }
        try await eventually("the call runs") { Members.count("sleep", of: folder) == 3 }
        let members = Members.of(folder)
        #expect(members.count >= 5)
        hub.process.signal(SIGKILL)
        #expect(await hub.status() == .signal(SIGKILL))
        _ = await running.value
        // Some end with their stdin; the stubborn one, and what the polite one left running, need the guard.
        try await eventually("all are gone") { !members.contains(where: \.isAlive) }
        let next = try await RunningProgram.start(folder)
        try await next.client.wait(for: "stubborn")
        #expect(try await next.client.call("stubborn").status == 200)
        #expect(try await next.stop() == .code(0))
    }

    @Test func whatWasAcknowledgedIsThereAfterAKill() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let hub = try await RunningProgram.start(folder)
        let client = hub.client
        let acknowledged = await withTaskGroup(of: [String].self) { group in
            for caller in 0..<4 {
                group.addTask {
                    var names: [String] = []
                    // Goes on until the hub is gone.
                    for number in 0... {
                        let function = TestFunction.python(
                            "f-\(caller)-\(number)", "def handle():\n    return \(number)\n", ["scale": ["min": 0]])
                        guard let answer = try? await client.put(function), answer.status == 201 else { break }
                        names.append("f-\(caller)-\(number)")
                        if caller == 0, number == 10 { hub.process.signal(SIGKILL) }
                    }
                    return names
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(acknowledged.count >= 11)
        let next = try await RunningProgram.start(folder)
        let list = try await next.client.send("GET", "/system/functions")
        let listed = Set(try JSONDecoder().decode([FunctionStatus].self, from: list.body).map(\.name))
        #expect(listed.isSuperset(of: acknowledged))
        for name in acknowledged.suffix(3) {
            let answer = try await next.client.call(name)
            #expect(answer.text == name.split(separator: "-").last.map(String.init))
        }
        #expect(try await next.stop() == .code(0))
    }

    @Test func onSigtermTheRunningCallFinishesAndNothingIsLeft() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let hub = try await RunningProgram.start(folder)
        let code = """
            import subprocess
            def handle(slow=False):
                if slow: subprocess.run(["sleep", "5"])
            """
        _ = try await hub.client.put(.python("slow", code))
        try await hub.client.wait(for: "slow")
        let client = hub.client
        let running = Task { try await client.call("slow", #"{"slow":true}"#) }
        try await eventually("the call runs") { Members.count("sleep", of: folder) == 1 }
        let members = Members.of(folder)
        hub.process.signal(SIGTERM)
        let answer = try await running.value
        #expect(answer.status == 200)
        #expect(await hub.status() == .code(0))
        #expect(members.filter(\.isAlive) == [])
        #expect(!FileManager.default.fileExists(atPath: folder + "/hub.pid"))
    }

    @Test func onSigtermAHundredCallsFinishAndNewOnesAreRefused() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let hub = try await RunningProgram.start(folder)
        let gate = try Gate()
        let slow = TestFunction.python(
            "slow", gate.code(then: "time.sleep(0.1)\n    return word"),
            ["alwaysOn": false, "scale": ["min": 0, "max": 8]])
        #expect(try await hub.client.put(slow).status == 201)
        let client = hub.client
        var members: [ProcessIdentity] = []
        let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
            for _ in 0..<100 { group.addTask { try await client.call("slow") } }
            try await client.wait(for: "slow", "full") { $0.runningCalls == 8 && $0.queueLength == 92 }
            hub.process.signal(SIGTERM)
            try await eventually("new calls are refused") { try await client.call("none").status == 503 }
            let refused = try await client.call("slow")
            #expect(refused.code == "shutting_down")
            #expect(refused.headers["retry-after"] == "10")
            members = Members.of(folder)
            gate.open()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.map(\.status) == Array(repeating: 200, count: 100))
        #expect(await hub.status() == .code(0))
        #expect(Set(answers.map(\.text)).count == 8)
        #expect(members.count >= 8 && !members.contains(where: \.isAlive))
    }

    @Test func aSecondHubIsRefusedAndSaysWhy() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let hub = try await RunningProgram.start(folder)
        let second = try await RunningProgram.launch(["serve", "--data", folder])
        #expect(await second.status() == .code(1))
        try await second.waitForError("Another hub runs on")
        #expect(try await hub.stop() == .code(0))
    }

    /// That one clears away what a killed hub ran, which may take long.
    @Test func aHubWaitsForTheGuardOfTheOneBefore() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let data = DataFolder(path: folder)
        let held = try data.lock(as: .guard)
        #expect(throws: StartFailure.self) { try data.lock(as: .guard) }
        async let start = RunningProgram.start(folder)
        // Longer than for another hub.
        try await Task.sleep(for: .seconds(3))
        close(held)
        #expect(try await start.stop() == .code(0))
    }

    @Test func aMissingOrOpenConfigurationIsRefused() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder + "/hub.json")
        let open = try await RunningProgram.launch(["serve", "--data", folder])
        #expect(await open.status() == .code(1))
        try await open.waitForError("mode 0600")
        let missing = try await RunningProgram.launch(["serve", "--data", folder + "/none"])
        #expect(await missing.status() == .code(1))
        try await missing.waitForError("is missing")
    }
}
