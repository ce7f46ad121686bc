import Foundation
import Synchronization
import Testing

@testable import OsirisHub

/// Functions that take more than they may, with a neighbour beside them. Every attack is small and has an end.
@Suite(.serialized) struct LimitsTests {
    /// Deploys the offender and a neighbour, and runs the attack while the neighbour is called again and again.
    /// - Returns: the answer of the attack.
    static func attack(_ offender: TestFunction, _ hub: TestHub, input: String = "") async throws -> Answer {
        _ = try await hub.client.put(.python("neighbour", "def handle(n):\n    return n\n"))
        _ = try await hub.client.put(offender)
        try await hub.client.wait(for: "neighbour")
        try await hub.client.wait(for: "offender")
        let client = hub.client
        let attack = Task { try await client.call("offender", input) }
        let over = Mutex(false)
        async let calls = {
            var answers: [Answer] = []
            repeat {
                answers.append(try await client.call("neighbour", "[\(answers.count)]"))
            } while !over.withLock { $0 }
            return answers
        }()
        let answer = try await attack.value
        over.withLock { $0 = true }
        for (number, answer) in try await calls.enumerated() {
            #expect(answer.status == 200 && answer.text == "\(number)", "call \(number): \(answer.text)")
        }
        return answer
    }

    static func isolation(_ hub: TestHub) async throws -> Isolation {
        struct Info: Decodable { var isolation: Isolation }
        return try JSONDecoder().decode(
            Info.self, from: try await hub.client.send("GET", "/system/info").body
        ).isolation
    }

    @Test func aForkBombIsStopped() async throws {
        try await TestHub.with { hub in
            let code = """
                import subprocess
                def handle(bomb=True):
                    children = [subprocess.Popen(["sleep", "600"]) for _ in range(40 if bomb else 1)]
                    for child in children: child.kill()
                    return len(children)
                """
            let limits = ["limits": ["processes": 20, "timeoutMs": 10_000]]
            let answer = try await Self.attack(.python("offender", code, limits), hub)
            guard try await Self.isolation(hub).processes.inForce else {
                #expect(answer.text == "40")
                return
            }
            #expect(answer.status == 500)
            #expect(answer.code == "limit_exceeded")
            #expect(answer.message.contains("limit of 20 for processes"), "\(answer.message)")
            try await eventually("its children are gone") { Members.count("sleep", of: hub.folder) == 0 }
            #expect(try await hub.client.call("offender", #"{"bomb":false}"#).text == "1")
        }
    }

    /// Only process ids of its own hold these; elsewhere the attack would outlive the test.
    @Test func childrenThatLeaveTheSessionEndToo() async throws {
        try await TestHub.with { hub in
            guard try await Self.isolation(hub).files.inForce else { return }
            let seconds = "\(Int.random(in: 100_000...999_999))"
            let code = """
                import subprocess, time
                def handle():
                    for _ in range(5): subprocess.Popen(["sleep", "\(seconds)"], start_new_session=True)
                    time.sleep(600)
                """
            _ = try await hub.client.put(.python("daemons", code, ["limits": ["timeoutMs": 8000]]))
            let client = hub.client
            let call = Task { try await client.call("daemons") }
            try await eventually("they run") { Members.running("sleep", seconds) == 5 }
            #expect(try await call.value.code == "timeout")
            try await eventually("they are gone") { Members.running("sleep", seconds) == 0 }
        }
    }

    @Test func threadsCountAsProcesses() async throws {
        try await TestHub.with { hub in
            let code = """
                import threading
                def handle():
                    end = threading.Event()
                    try:
                        for _ in range(40): threading.Thread(target=end.wait, daemon=True).start()
                    except RuntimeError as error:
                        raise RuntimeError("no more") from error
                    return "all"
                """
            let answer = try await Self.attack(.python("offender", code, ["limits": ["processes": 20]]), hub)
            guard try await Self.isolation(hub).processes.inForce else {
                #expect(answer.text == #""all""#)
                return
            }
            #expect(answer.code == "limit_exceeded")
        }
    }

    @Test func aSocketHoarderIsStopped() async throws {
        try await TestHub.with { hub in
            let code = """
                import socket
                def handle(count=100):
                    return len([socket.socket() for _ in range(count)])
                """
            let answer = try await Self.attack(.python("offender", code, ["limits": ["openFiles": 32]]), hub)
            #expect(answer.status == 500)
            #expect(answer.code == "limit_exceeded")
            #expect(answer.message.contains("limit of 32 for openFiles"), "\(answer.message)")
            #expect(try await hub.client.call("offender", "[10]").text == "10")
        }
    }

    @Test func aLargeFileIsRefusedAndSoAreManySmallOnes() async throws {
        try await TestHub.with { hub in
            let code = """
                import os, tempfile
                def handle(files, size):
                    with tempfile.TemporaryDirectory() as folder:
                        for number in range(files):
                            with open(os.path.join(folder, str(number)), "wb") as file: file.write(bytes(size))
                    return "written"
                """
            let offender = TestFunction.python("offender", code, ["limits": ["diskBytes": 1 << 20]])
            let large = try await Self.attack(offender, hub, input: "[1, 2000000]")
            #expect(large.code == "limit_exceeded")
            #expect(large.message.contains("limit of 1048576 bytes for disk"), "\(large.message)")
            let many = try await hub.client.call("offender", "[4, 400000]")
            if try await Self.isolation(hub).disk.inForce {
                #expect(many.code == "limit_exceeded", "\(many.text)")
            } else {
                #expect(many.text == #""written""#)
            }
            #expect(try await hub.client.call("offender", "[1, 400000]").text == #""written""#)
        }
    }

    @Test func aMemoryHogIsRestarted() async throws {
        try await TestHub.with { hub in
            let code = """
                kept = []
                def handle(n=1 << 20):
                    for _ in range(1000): kept.append(bytearray(n))
                    return len(kept)
                """
            let answer = try await Self.attack(
                .python("offender", code, ["limits": ["memoryBytes": 128 << 20]]), hub)
            #expect(answer.code == "limit_exceeded")
            #expect(answer.message.contains("for memory"), "\(answer.message)")
            #expect(try await hub.client.call("offender", "[1]").text == "1000")
        }
    }

    @Test func anEndlessLoopIsKilledAtItsTimeout() async throws {
        try await TestHub.with { hub in
            let code = "def handle(end=False):\n    while not end: pass\n    return 1\n"
            let answer = try await Self.attack(.python("offender", code, ["limits": ["timeoutMs": 1000]]), hub)
            #expect(answer.code == "timeout")
            // Its timeout is too short for a new start on a slow machine.
            try await hub.client.wait(for: "offender")
            #expect(try await hub.client.call("offender", #"{"end":true}"#).text == "1")
        }
    }

    @Test func aForkBombOfForkBombsIsStopped() async throws {
        try await TestHub.with { hub in
            // Without a bound this would take the machine with it.
            guard try await Self.isolation(hub).processes.inForce else { return }
            let code = """
                import os
                def handle(bomb=True):
                    while bomb: os.fork()
                    return "alive"
                """
            let limits = ["limits": ["processes": 20, "timeoutMs": 5000]]
            let answer = try await Self.attack(.python("offender", code, limits), hub)
            // The first process may be among those that go on.
            #expect(["limit_exceeded", "timeout"].contains(answer.code), "\(answer.text)")
            try await hub.client.wait(for: "offender")
            #expect(try await hub.client.call("offender", #"{"bomb":false}"#).text == #""alive""#)
            try await eventually("its children are gone") { Members.count("python3", of: hub.folder) == 2 }
        }
    }

    @Test func memoryIsBoundedForThoseWhoSayNothing() async throws {
        try await TestHub.with { hub in
            let memory = try await Self.isolation(hub).memory
            guard memory.how.hasPrefix("control group") else { return }
            let code = """
                kept = []
                def handle():
                    for _ in range(600): kept.append(b"x" * (1 << 20))
                """
            let answer = try await Self.attack(.python("offender", code), hub)
            #expect(answer.code == "limit_exceeded")
            #expect(answer.message.contains("more than 536870912 bytes"), "\(answer.message)")
        }
    }

    @Test func connectionsToTheHubAreBoundedLikeOtherFiles() async throws {
        try await TestHub.with { hub in
            let code = """
                import socket
                kept = []
                def handle():
                    while True: kept.append(socket.create_connection(("127.0.0.1", \(hub.client.port))))
                """
            let answer = try await Self.attack(.python("offender", code, ["limits": ["openFiles": 64]]), hub)
            #expect(answer.code == "limit_exceeded")
            #expect(answer.message.contains("limit of 64 for openFiles"), "\(answer.message)")
        }
    }

    @Test func whoWritesALotWaitsAndLosesNothing() async throws {
        try await TestHub.with { hub in
            let code = """
                import sys
                def handle(lines):
                    sys.stderr.write("".join("%04d" % number + "x" * 1000 + "\\n" for number in range(lines)) + "end\\n")
                    return "said"
                """
            // 3.5 MB, where 1 MiB may be logged at once and the rest takes ten seconds: faster than that on any machine.
            let offender = TestFunction.python("offender", code, ["limits": ["timeoutMs": 25_000]])
            #expect(try await Self.attack(offender, hub, input: "[3500]").text == #""said""#)
            func log() async throws -> [String] {
                let path = "/system/logs?name=offender&namespace=demo&tail=10000"
                return try await hub.client.send("GET", path).text.split(separator: "\n").map(String.init)
            }
            try await eventually("its end is in the log") { try await log().last == "end" }
            // What is kept of it has no gap.
            let numbers = try await log().compactMap { Int($0.prefix(4)) }
            #expect(numbers.last == 3499 && numbers.count > 500)
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 + 1 == $1 })
            // Told with the first line after it.
            try await eventually("the log says how long") {
                _ = try await hub.client.call("offender", "[0]")
                return try await log().contains { $0.hasPrefix("[was held back for ") }
            }
        }
    }

    @Test func aLogFloodIsHeldUntilItsTimeout() async throws {
        try await TestHub.with { hub in
            let code = """
                def handle(flood=True):
                    while flood: print("x" * 200)
                    return "calm"
                """
            let answer = try await Self.attack(.python("offender", code, ["limits": ["timeoutMs": 4000]]), hub)
            #expect(answer.code == "timeout")
            let tail = try await hub.client.send("GET", "/system/logs?name=offender&namespace=demo&tail=10000")
            #expect(tail.body.count <= 2 * FunctionLog.fileBytes)
            try await hub.client.wait(for: "offender")
            #expect(try await hub.client.call("offender", #"{"flood":false}"#).text == #""calm""#)
        }
    }

    @Test func logRateIsABucketThatOpensAgainLate() {
        var rate = LogRate()
        func step(_ bytes: Int, _ now: Double) -> LogRate.Verdict { rate.take(bytes, at: now) }
        #expect(step(1_000_000, 0) == .init())
        // 48,577 bytes over what is there, and a quarter of a second's worth to begin again.
        let held = step(97_153, 0)
        #expect(held.keep && held.note == .held)
        #expect(abs(held.hold - (48_577.0 + 65_536) / 262_144) < 0.001)
        // A read right after the hold goes on with the same stretch.
        let again = step(65_536 * 2, held.hold)
        #expect(again.keep && again.note == nil && again.hold > 0.4)
        // Beyond the credit there is only the hold.
        let lost = step(2_000_000, held.hold)
        #expect(!lost.keep && lost.hold == again.hold)
        // An hour of silence is not part of it.
        let quiet = step(1, 3600)
        #expect(quiet.keep && quiet.hold == 0)
        #expect(quiet.note == .released(held.hold + again.hold))
    }

    @Test func limitsOutOfRangeAreRefused() async throws {
        try await TestHub.with { hub in
            let limits = ["processes": 1, "openFiles": 1, "diskBytes": 1, "cpuThousandths": 1, "other": 1]
            let answer = try await hub.client.put(.python("f", "def handle(): pass\n", ["limits": limits]))
            #expect(answer.status == 400)
            for word in [
                "limits.processes", "limits.openFiles", "limits.diskBytes", "limits.cpuThousandths", "no key other",
            ] {
                #expect(answer.message.contains(word))
            }
        }
    }

    @Test func aRowOfAnEarlierHubStillLoads() throws {
        let old = #"{"timeoutMs":5,"outputBytes":6,"memoryBytes":20000000}"#
        let limits = try HubJSON.decode(FunctionSpec.Limits.self, Array(old.utf8))
        #expect(limits == FunctionSpec.Limits(timeoutMs: 5, outputBytes: 6, memoryBytes: 20_000_000))
        #expect(limits.mostProcesses == 64)
    }
}
