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
            import os, subprocess, time
            def handle(busy=None):
                if busy:
                    open(busy, "w").close()
                    time.sleep(600)
                child = subprocess.Popen(["sleep", "600"])
                return [os.getpid(), child.pid]
            """
        _ = try await hub.client.put(.python("py", code))
        let stubborn = "trap '' TERM\nwhile read -r line; do echo $$; done\nexec sleep 600\n"
        _ = try await hub.client.put(.command("stubborn", stubborn))
        let polite = "sleep 600 &\nwhile read -r line; do echo [$$,$!]; done\n"
        _ = try await hub.client.put(.command("polite", polite))
        let python = try JSONDecoder().decode([Int].self, from: try await hub.client.call("py").body)
        let polites = try JSONDecoder().decode([Int].self, from: try await hub.client.call("polite").body)
        let stubbornPid = try #require(Int(try await hub.client.call("stubborn").text))
        #expect((python + polites + [stubbornPid]).allSatisfy(isRunning))
        // One call runs while the hub dies, so the handler is not at its read.
        let client = hub.client
        let marker = folder + "/busy"
        let running = Task { try? await client.call("py", #"{"busy":"\#(marker)"}"#) }
        try await eventually("the call runs") { FileManager.default.fileExists(atPath: marker) }
        hub.process.signal(SIGKILL)
        #expect(await hub.status() == .signal(SIGKILL))
        _ = await running.value
        try await eventually("what ends with its stdin is gone") {
            !(python + [polites[0]]).contains(where: isRunning)
        }
        // These two go on after the end of their input; the next hub finds them through its list.
        #expect(isRunning(stubbornPid))
        #expect(isRunning(polites[1]))
        let next = try await RunningProgram.start(folder)
        try await eventually("the rest is gone") { ![stubbornPid, polites[1]].contains(where: isRunning) }
        try await next.client.wait(for: "stubborn")
        #expect(try await next.client.call("stubborn").text != "\(stubbornPid)")
        #expect(try await next.stop() == .code(0))
    }

    @Test func onSigtermTheRunningCallFinishesAndNothingIsLeft() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let hub = try await RunningProgram.start(folder)
        let code = """
            import os, time
            def handle(name=None):
                if name:
                    open(name, "w").close()
                    time.sleep(1)
                return os.getpid()
            """
        _ = try await hub.client.put(.python("slow", code))
        let pid = try #require(Int(try await hub.client.call("slow").text))
        let started = folder + "/started"
        let client = hub.client
        let running = Task { try await client.call("slow", #"["\#(started)"]"#) }
        try await eventually("the call runs") { FileManager.default.fileExists(atPath: started) }
        hub.process.signal(SIGTERM)
        let answer = try await running.value
        #expect(answer.status == 200)
        #expect(await hub.status() == .code(0))
        #expect(!isRunning(pid))
        #expect(!FileManager.default.fileExists(atPath: folder + "/hub.pid"))
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
