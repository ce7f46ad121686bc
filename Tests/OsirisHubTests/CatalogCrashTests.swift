import Foundation
import OsirisModel
import Synchronization
import Testing

@testable import OsirisHub

/// The built program, killed while it changes its catalog.
@Suite(.serialized) struct CatalogCrashTests {
    /// What one function was told to be.
    private struct Told: Sendable {
        var acknowledged = 0
        var attempted = 0
        /// Versions that answers named.
        var versions: [Int] = []
    }

    /// `OSIRIS_KILLS` asks for more rounds than a test run has time for.
    private static let kills = ProcessInfo.processInfo.environment["OSIRIS_KILLS"].flatMap { Int($0) } ?? 12

    private func function(_ name: String, _ number: Int) -> TestFunction {
        .python(
            name, "def handle():\n    return \(number)\n", ["scale": ["min": 0], "annotations": ["n": "\(number)"]])
    }

    /// Every acknowledged deployment is there, whole, and on record.
    @Test func noAcknowledgedDeploymentIsLost() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededRandom(seed)
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var told = [Told](repeating: Told(), count: 3)
        for _ in 0..<Self.kills {
            let hub = try await RunningProgram.start(folder)
            let client = hub.client
            try await check(told, client)
            let after = Duration.milliseconds(Int(random.next() % 80))
            let before = told
            told = await withTaskGroup(of: (Int, Told).self) { group in
                for (index, one) in before.enumerated() {
                    group.addTask { (index, await deployUntilItIsGone("f-\(index)", one, client)) }
                }
                group.addTask {
                    try? await Task.sleep(for: after)
                    hub.process.signal(SIGKILL)
                    return (-1, Told())
                }
                return await group.reduce(into: before) { if $1.0 >= 0 { $0[$1.0] = $1.1 } }
            }
            #expect(await hub.status() == .signal(SIGKILL))
        }
        let hub = try await RunningProgram.start(folder)
        try await check(told, hub.client)
        for (index, one) in told.enumerated() where one.acknowledged > 0 {
            let number = try await self.number(of: "f-\(index)", hub.client)
            #expect(try await hub.client.call("f-\(index)").text == String(number))
        }
        print("acknowledged \(told.map(\.acknowledged))")
        #expect(told.reduce(0) { $0 + $1.acknowledged } > 0)
        #expect(try await hub.stop() == .code(0))
    }

    private func deployUntilItIsGone(_ name: String, _ before: Told, _ client: Client) async -> Told {
        var told = before
        while true {
            told.attempted += 1
            guard let answer = try? await client.put(function(name, told.attempted)), answer.status < 300 else {
                return told
            }
            told.acknowledged = told.attempted
            told.versions.append(answer.json["version"] as? Int ?? 0)
        }
    }

    private func number(of name: String, _ client: Client) async throws -> Int {
        Int(try await client.status(name).annotations["n"] ?? "") ?? 0
    }

    private func check(_ told: [Told], _ client: Client) async throws {
        var log = AuditCheck()
        var deployed: Set<String> = []
        while true {
            let answer = try await client.send("GET", "/system/audit?from=\(log.head.seq + 1)&limit=1000")
            let records = try Value(plainJSON: Array(answer.body)).mapValue?["records"]?.listValue ?? []
            if records.isEmpty { break }
            for record in records {
                try log.add(record)
                deployed.insert(
                    "\(record.mapValue?["function"]?.stringValue ?? "") \(record.mapValue?["version"]?.intValue ?? 0)")
            }
        }
        try log.finish()
        for (index, one) in told.enumerated() where one.acknowledged > 0 {
            let number = try await number(of: "f-\(index)", client)
            #expect((one.acknowledged...one.attempted).contains(number), "f-\(index)")
            #expect(one.versions.allSatisfy { deployed.contains("demo/f-\(index) \($0)") })
        }
    }

    /// Deployments and rollbacks of a function that serves all the time: whatever is cut off, a whole version answers.
    @Test func aKillDuringARollbackLeavesAWholeVersion() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededRandom(seed)
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try await RunningProgram.start(folder)
        for number in 1...3 {
            let secrets = ["KEY": ["value": "\(number)", "digest": "hmac-sha256:\(number)"]]
            let code = "import os\ndef handle():\n    return [\(number), int(os.environ['KEY'])]\n"
            _ = try await first.client.put(.python("f", code, ["secrets": secrets]))
            try await first.client.wait(for: "f", "\(number)") { $0.ready && $0.version == number }
        }
        #expect(try await first.stop() == .code(0))
        var last = 3
        for _ in 0..<6 {
            let hub = try await RunningProgram.start(folder)
            let client = hub.client
            let after = Duration.milliseconds(Int(random.next() % 300))
            try await client.wait(for: "f", "there") { $0.availableReplicas > 0 }
            #expect(try await client.status("f").version >= last)
            let text = try await client.call("f").text
            #expect(["[1,1]", "[2,2]", "[3,3]"].contains(text), "\(text)")
            async let killed: Void = {
                try? await Task.sleep(for: after)
                hub.process.signal(SIGKILL)
            }()
            while let answer = try? await client.send(
                "POST", "/system/rollback-function/f?namespace=demo", body: "{}")
            {
                if let version = answer.json["version"] as? Int { last = version }
            }
            await killed
            #expect(await hub.status() == .signal(SIGKILL))
        }
        let hub = try await RunningProgram.start(folder)
        try await hub.client.wait(for: "f", "there") { $0.availableReplicas > 0 }
        #expect(try await hub.client.status("f").version >= last)
        #expect(try await hub.stop() == .code(0))
    }

    /// Two contents, restored in turn; each is there whole or not at all.
    @Test func aKillDuringARestoreLeavesOneContentWhole() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededRandom(seed)
        var backups: [Data] = []
        for mark in ["a", "b"] {
            try await TestHub.with { hub in
                for name in ["f", "g-\(mark)"] {
                    _ = try await hub.client.put(
                        .python(name, "def handle():\n    return '\(mark)'\n", ["scale": ["min": 0]]))
                }
                backups.append(try await hub.client.send("GET", "/system/backup").body)
            }
        }
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var isFilled = false
        for round in 0..<8 {
            let hub = try await RunningProgram.start(folder)
            let list = try await hub.client.send("GET", "/system/functions")
            let names = try JSONDecoder().decode([FunctionStatus].self, from: list.body).map(\.name)
            // Empty until the first restore got through.
            #expect([["f", "g-a"], ["f", "g-b"]].contains(names) || names.isEmpty && !isFilled, "\(names)")
            isFilled = isFilled || !names.isEmpty
            for name in names {
                #expect(try await hub.client.call(name).text == (names.contains("g-a") ? #""a""# : #""b""#))
            }
            let after = Duration.milliseconds(Int(random.next() % 200))
            let client = hub.client
            let backup = backups[round % 2]
            async let restored = try? client.send("POST", "/system/restore?force=true", data: backup)
            try? await Task.sleep(for: after)
            hub.process.signal(SIGKILL)
            let answer = await restored
            #expect(await hub.status() == .signal(SIGKILL))
            guard answer?.status == 200 else { continue }
            isFilled = true
            let next = try await RunningProgram.start(folder)
            #expect(try await next.client.call(round % 2 == 0 ? "g-a" : "g-b").status == 200)
            #expect(try await next.stop() == .code(0))
        }
    }
}

/// Numbers that follow from a seed: SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
private struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
