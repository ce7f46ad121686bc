import Foundation
import Testing

/// `osiris test chaos` as a user runs it: it finds nothing wrong with osiris, and what is planted it finds.
struct ChaosTests {
    /// 16 simulated machines and this one, each with machine, engine, image, hub and 2 functions: 102 resources.
    private static let manifest = """
        apiVersion: osiris.dev/v1
        kind: Cluster
        metadata: {name: chaos}
        spec:
          functions:
            - {name: resize, namespace: images, runtime: command, command: [cat]}
            - {name: thumbnail, namespace: images, runtime: command, command: [cat]}
          safety:
            maxDeletes: 0
            protect: ['*']
          targets:
            - name: fleet
              provider: simulated
              machines: {count: 16}
              simulate: {store: real.jsonl, latency: 10s}
            - name: here
              provider: local

        """

    private func chaos(_ arguments: [String], in scratch: Scratch) async throws -> Program.Answer {
        try scratch.write(Self.manifest, to: "cluster.yaml")
        try FileManager.default.createDirectory(
            at: scratch.url.appendingPathComponent("tmp"), withIntermediateDirectories: true)
        return try await Program.Running(
            ["test", "chaos"] + arguments, environment: ["TMPDIR": scratch.url.path + "/tmp"], in: scratch.url
        ).wait()
    }

    private func report(_ answer: Program.Answer) throws -> [String: Any] {
        try #require(try answer.json as? [String: Any], "\(answer)")
    }

    private func expectNothingWrong(_ answer: Program.Answer, _ scratch: Scratch) throws {
        #expect(answer.status == 0, "\(answer)")
        let report = try report(answer)
        for count in ["orphans", "duplicates", "manualSteps", "openIntents", "differences", "crashes"] {
            #expect(report[count] as? Int == 0, "\(count): \(answer)")
        }
        // The real targets were not touched, and nothing is left behind.
        #expect(scratch.files() == ["cluster.yaml"])
    }

    @Test func nothingIsLostOrDoubledAt200KillPointsAnd100Seeds() async throws {
        let scratch = try Scratch()
        let answer = try await chaos(["--kill-points", "200", "--seeds", "100", "--json"], in: scratch)
        try expectNothingWrong(answer, scratch)
        let report = try report(answer)
        #expect(report["killPoints"] as? Int == 200)
        #expect(report["seeds"] as? Int == 100)
        #expect(try #require(report["runs"] as? Int) >= 600)
    }

    @Test func aRandomSeedFindsNothingEither() async throws {
        let seed = UInt64.random(in: 1_000_000...UInt64(Int.max))
        print("chaos with random seed \(seed)")
        let scratch = try Scratch()
        let answer = try await chaos(["--seed", String(seed), "--json"], in: scratch)
        try expectNothingWrong(answer, scratch)
    }

    @Test(arguments: ["fresh-tokens", "forgotten-intents"])
    func aBrokenStepIsFoundWithItsSeed(sabotage: String) async throws {
        let scratch = try Scratch()
        let found = try await chaos(
            ["--sabotage", sabotage, "--kill-points", "60", "--seeds", "6", "--json"], in: scratch)
        #expect(found.status == 1, "\(found)")
        let failures = try #require(try report(found)["failures"] as? [[String: Any]])
        // A kill at an even boundary has one operation at a time: it is the same at every repeat.
        let certain = failures.first { failure in
            let boundary = (failure["seed"] as? String)?.split(separator: "-").dropFirst().first.flatMap { Int($0) }
            return boundary?.isMultiple(of: 2) == true
        }
        let failure = try #require(certain ?? failures.first, "\(found)")
        let seed = try #require(failure["seed"] as? String)
        #expect((failure["command"] as? String)?.hasSuffix("--seed \(seed)") == true)
        let folder = try #require(failure["folder"] as? String)
        #expect(FileManager.default.fileExists(atPath: folder + "/.osiris/state.db"))

        // With several operations at once, which of them is at the boundary depends on the machine.
        var again = try await chaos(["--sabotage", sabotage, "--seed", seed], in: scratch)
        for _ in 0..<5 where again.status == 0 {
            again = try await chaos(["--sabotage", sabotage, "--seed", seed], in: scratch)
        }
        #expect(again.status == 1, "\(again)")
        #expect(again.out.contains("FAILED seed \(seed)") && again.out.contains("kept in: "), "\(again)")
    }

    // MARK: The faults are real

    /// One disturbed run of its own; the answer, and the lines of its log.
    private func run(_ step: String, in scratch: Scratch) async throws -> (Program.Answer, boundaries: [Substring]) {
        try scratch.write(Self.manifest, to: "cluster.yaml")
        let clock = step.contains("clockJumps") ? "" : #""clockJumps":[],"#
        let step = #"{"variant":"wanted","destroys":false,"parallelism":4,\#(clock)\#(step)}"#
        let answer = try await Program.run(
            "test", "chaos-run", "--folder", scratch.url.path, "--log", scratch.url.path + "/log", "--step", step,
            in: scratch.url)
        return (answer, try scratch.read("log").split(separator: "\n"))
    }

    @Test func aKillIsASIGKILLAtItsBoundary() async throws {
        // Which boundary has which number depends on the machine: go on until it is one between an intent and its result.
        for boundary in 77..<100 {
            let scratch = try Scratch()
            let (answer, boundaries) = try await run("\"killAt\":\(boundary)", in: scratch)
            #expect(answer.status == SIGKILL, "\(answer)")
            #expect(boundaries.count == boundary)
            #expect(answer.out.contains("operation-succeeded") && !answer.out.contains("apply-finished"))
            guard boundaries.last?.contains(" create of ") == true, boundaries.last?.hasSuffix("ed") == false else {
                continue
            }
            let exported = try await Program.run("state", "export", "--state", ".osiris/state.db", in: scratch.url)
            let state = try #require(try exported.json as? [String: Any], "\(exported)")
            #expect((state["intents"] as? [Any])?.isEmpty == false, "\(boundaries.last ?? "")")
            return
        }
        Issue.record("no kill was between an intent and its result")
    }

    @Test func aFullDiskFailsTheStateAndPasses() async throws {
        let scratch = try Scratch()
        let (answer, _) = try await run(#""fullDisk":{"boundary":60,"count":40}"#, in: scratch)
        #expect(answer.status == 1, "\(answer)")
        #expect(answer.out.contains("OSR0408"), "\(answer)")
    }

    @Test func callsThatDoNotArriveAreMadeAgain() async throws {
        let scratch = try Scratch()
        let (answer, _) = try await run(#""outage":{"call":20,"count":10,"takesEffect":false}"#, in: scratch)
        #expect(answer.status == 0, "\(answer)")
        #expect(answer.out.contains("operation-retrying") && answer.out.contains("no connection"), "\(answer)")
    }

    @Test func aLostAnswerIsAskedFor() async throws {
        let scratch = try Scratch()
        let (answer, boundaries) = try await run(
            #""outage":{"call":20,"count":10,"takesEffect":true}"#, in: scratch)
        #expect(answer.status == 0, "\(answer)")
        #expect(boundaries.contains { $0.contains("before resolve of") })
    }

    @Test func aClockJumpMovesTheHistory() async throws {
        let scratch = try Scratch()
        let before = Date()
        let (answer, _) = try await run(#""clockJumps":[{"boundary":0,"seconds":7200}]"#, in: scratch)
        #expect(answer.status == 0, "\(answer)")
        let listed = try await Program.run("state", "history", "--state", ".osiris/state.db", in: scratch.url)
        let started = try #require(
            listed.out.split { $0 == " " || $0 == "\n" }.first { $0.contains("T") && $0.hasSuffix("Z") })
        #expect(try Date(String(started), strategy: .iso8601) > before.addingTimeInterval(7000))
    }
}
