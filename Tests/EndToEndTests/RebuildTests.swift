import Foundation
import Synchronization
import Testing

/// A state that is lost or damaged, and what `osiris state rebuild` makes of what exists.
struct RebuildTests {
    // MARK: A fleet

    private struct Fleet {
        let scratch: Scratch
        let url: URL
        /// The state as it was before it was damaged.
        let good: Data
        let exported: String
        let store: String

        var state: URL { url.appendingPathComponent(".osiris/state.db") }
        var asides: [String] { scratch.files().filter { $0.contains("state.db.damaged-") } }

        init(count: Int = 100) async throws {
            scratch = try Scratch()
            url = scratch.url
            try scratch.write(
                """
                apiVersion: osiris.dev/v1
                kind: Cluster
                metadata: {name: fleet}
                spec:
                  variables:
                    key: {type: string, secret: true, default: canary-of-the-fleet}
                  functions:
                    - {name: f1, namespace: demo, runtime: command, command: [cat], secrets: {KEY: "${var.key}"}}
                  targets:
                    - name: fleet
                      provider: simulated
                      machines: {count: \(count)}
                      simulate: {store: sim.jsonl}

                """, to: "cluster.yaml")
            let applied = try await Program.run("apply", "--auto-approve", in: url)
            try #require(applied.status == 0, "\(applied)")
            good = try Data(contentsOf: url.appendingPathComponent(".osiris/state.db"))
            exported = try await Self.export(url)
            store = try scratch.read("sim.jsonl")
        }

        /// The state's lineage and resources; its serial counts how it came to be.
        static func export(_ url: URL) async throws -> String {
            let answer = try await Program.run("state", "export", in: url)
            try #require(answer.status == 0, "\(answer)")
            return answer.out.split(separator: "\n").filter { !$0.contains("\"serial\"") }.joined(separator: "\n")
        }

        func rebuild(_ arguments: String...) async throws -> Program.Answer {
            try await Program.Running(["state", "rebuild", "--auto-approve"] + arguments, in: url).wait()
        }

        /// The state is what it was, nothing is to be done, and nobody touched the store.
        func expectWhole(_ what: String) async throws {
            let plan = try await Program.run("plan", "--detailed-exitcode", in: url)
            #expect(plan.status == 0, "\(what): \(plan)")
            #expect(try await Self.export(url) == exported, "\(what)")
            #expect(try scratch.read("sim.jsonl") == store, "\(what)")
        }
    }

    private static func damages(_ good: Data) -> [(String, Data)] {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SplitMix(seed: seed)
        var flipped = good
        for index in stride(from: good.count / 3, to: good.count * 2 / 3, by: 61) {
            flipped[index] ^= UInt8.random(in: 1...255, using: &random)
        }
        return [
            ("truncated", good.prefix(good.count / 2)), ("one page", good.prefix(1024)),
            ("garbage", Data((0..<good.count).map { _ in UInt8.random(in: 0...255, using: &random) })),
            ("flipped in the middle", flipped), ("zero length", Data()),
        ]
    }

    @Test func aDamagedStateIsSetAsideAndMadeAgain() async throws {
        let fleet = try await Fleet()
        for (number, (what, bytes)) in Self.damages(fleet.good).enumerated() {
            try bytes.write(to: fleet.state)
            for verb in [["plan"], ["apply", "--auto-approve"], ["destroy", "--auto-approve"], ["state", "list"]] {
                let refused = try await Program.Running(verb, in: fleet.url).wait()
                #expect(refused.status == 1 && refused.err.contains("OSR0402"), "\(what): \(refused)")
                #expect(refused.err.contains("osiris state rebuild"), "\(what): \(refused)")
            }
            #expect(try Data(contentsOf: fleet.state) == bytes, "\(what): a refusal changed it")
            let before = fleet.asides
            let answer = try await fleet.rebuild()
            #expect(answer.status == 0 && answer.out.contains("Recorded 500 resources"), "\(what): \(answer)")
            let aside = Set(fleet.asides).subtracting(before).filter { !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }
            #expect(aside.count == 1 && fleet.asides.count >= number + 1, "\(what): \(fleet.asides)")
            if let name = aside.first {
                #expect(answer.out.contains(name), "\(what): \(answer)")
                #expect(try Data(contentsOf: fleet.url.appendingPathComponent(name)) == bytes, "\(what)")
            }
            try await fleet.expectWhole(what)
        }
    }

    @Test func aHealthyStateIsLeftAloneAndAnEmptyOneIsFilled() async throws {
        let fleet = try await Fleet(count: 3)
        let refused = try await fleet.rebuild()
        #expect(refused.status == 4 && refused.err.contains("OSR0409"), "\(refused)")
        #expect(refused.err.contains("osiris plan"))
        // Lost, and an apply went on without it: it meets what exists, and says what to do.
        try FileManager.default.removeItem(at: fleet.state)
        let apply = try await Program.run("apply", "--auto-approve", in: fleet.url)
        #expect(apply.status == 1 && (apply.out + apply.err).contains("osiris state rebuild"), "\(apply)")
        let filled = try await fleet.rebuild()
        #expect(filled.status == 0 && fleet.asides.isEmpty, "\(filled)")
        let plan = try await Program.run("plan", "--detailed-exitcode", in: fleet.url)
        #expect(plan.status == 0, "\(plan)")
        let lines = try fleet.scratch.read("sim.jsonl").split(separator: "\n")
        // The apply that was refused left its number.
        #expect(lines.filter { !$0.hasPrefix(#"{"op":"fence""#) } == fleet.store.split(separator: "\n"))
    }

    /// The serial must not come back to where a plan of the lost state fits.
    @Test func aPlanOfTheLostStateIsStale() async throws {
        let fleet = try await Fleet(count: 2)
        try fleet.scratch.edit("cluster.yaml", "count: 2", "count: 3")
        let saved = try await Program.run("plan", "--out", "saved.plan", in: fleet.url)
        #expect(saved.status == 0, "\(saved)")
        try FileManager.default.removeItem(at: fleet.state)
        #expect(try await fleet.rebuild().status == 0)
        let applied = try await Program.run("apply", "saved.plan", in: fleet.url)
        #expect(applied.status == 4 && applied.err.contains("OSR0310"), "\(applied)")
    }

    @Test func nobodyToAskChangesNothing() async throws {
        let fleet = try await Fleet(count: 2)
        try Data("garbage".utf8).write(to: fleet.state)
        let files = fleet.scratch.files()
        let answer = try await Program.run("state", "rebuild", in: fleet.url)
        #expect(answer.status == 1 && answer.err.contains("--auto-approve"), "\(answer)")
        #expect(answer.out.contains("fleet/hub.m0002") && answer.out.contains("sim.jsonl"), "\(answer)")
        #expect(fleet.scratch.files() == files)
        #expect(try fleet.scratch.read(".osiris/state.db") == "garbage")
    }

    @Test func twoObjectsOfOneAddressAreShownAndTheRestIsRecorded() async throws {
        let fleet = try await Fleet(count: 3)
        let hub = try #require(fleet.store.split(separator: "\n").first { $0.contains("fleet/hub.m0002\"") })
        let twin = hub.replacingOccurrences(of: "\"id\":\"hub-", with: "\"id\":\"hub-twin-")
        try fleet.scratch.write(fleet.store + twin + "\n", to: "sim.jsonl")
        try FileManager.default.removeItem(at: fleet.state)
        let answer = try await fleet.rebuild()
        #expect(answer.status == 1 && answer.err.contains("OSR0410"), "\(answer)")
        #expect(answer.err.contains("object hub-twin-") && answer.err.contains("fleet/hub.m0002"), "\(answer)")
        #expect(answer.out.contains("Recorded 13 resources"), "\(answer)")
        // A person removed the second one; the rebuild goes on where it was.
        try fleet.scratch.write(fleet.store, to: "sim.jsonl")
        let again = try await fleet.rebuild("--json")
        #expect(again.status == 0, "\(again)")
        let report = try #require(try again.json as? [String: Any])
        #expect(report["complete"] as? Bool == true && (report["recorded"] as? [Any])?.count == 15)
        try await fleet.expectWhole("after the twin was removed")
    }

    @Test func aPlaceThatCannotBeSearchedStopsItUnlessToldOtherwise() async throws {
        let fleet = try await Fleet(count: 2)
        try fleet.scratch.write("no line of a store\n" + fleet.store, to: "sim.jsonl")
        try FileManager.default.removeItem(at: fleet.state)
        let answer = try await fleet.rebuild()
        #expect(answer.status == 1 && answer.err.contains("OSR0411") && answer.err.contains("line 1"), "\(answer)")
        #expect(!FileManager.default.fileExists(atPath: fleet.state.path))
        let partial = try await fleet.rebuild("--partial")
        #expect(partial.status == 1 && partial.err.contains("warning[OSR0411]"), "\(partial)")
    }

    /// Killed at any instant, it is finished by running it again.
    @Test func killedAnywhereItFinishes() async throws {
        let fleet = try await Fleet()
        // The database went aside and its log did not; the new state is there; rows are in it.
        let points: [@Sendable (URL) -> Bool] = [
            { url in Self.names(url).contains { $0.hasPrefix("state.db.damaged-") } },
            { url in Self.names(url).contains("state.db-wal") && Self.size(url, "state.db-wal") > 0 },
            { url in Self.size(url, "state.db-wal") > 60_000 },
            { url in Self.size(url, "state.db-wal") > 150_000 },
        ]
        var killed = 0
        for (number, point) in points.enumerated() {
            try? FileManager.default.removeItem(at: fleet.url.appendingPathComponent(".osiris"))
            try fleet.scratch.write("", to: ".osiris/state.db")
            try fleet.scratch.write("the log of a damaged state", to: ".osiris/state.db-wal")
            let folder = fleet.url.appendingPathComponent(".osiris")
            let running = try Program.Running(["state", "rebuild", "--auto-approve"], in: fleet.url)
            // Until the log of the damaged state is away, a log is no sign of the new one.
            let isPast: @Sendable () -> Bool = {
                (number == 0 || Self.names(folder).contains { $0.hasSuffix("-wal") && $0.contains("damaged") })
                    && point(folder)
            }
            _ = await eventually {
                isPast() || !running.process.isRunning
            } then: {
                kill(running.process.processIdentifier, SIGKILL)
            }
            _ = try await running.wait()
            if running.process.terminationReason == .uncaughtSignal { killed += 1 }
            let again = try await fleet.rebuild()
            // Only one that was killed after its last step has nothing left to do.
            #expect(again.status == 0 || again.err.contains("OSR0409"), "point \(number): \(again)")
            let aside = fleet.asides.filter { $0.hasSuffix("-wal") }
            #expect(aside.count == 1, "point \(number): \(fleet.asides)")
            #expect(
                try aside.first.map(fleet.scratch.read) == "the log of a damaged state", "point \(number)")
            try await fleet.expectWhole("point \(number)")
        }
        print("killed at \(killed) of \(points.count) points")
        #expect(killed > 0, "it always ended before the kill: nothing was tested")
    }

    private static func names(_ folder: URL) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    }

    private static func size(_ folder: URL, _ name: String) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: folder.path + "/" + name)
        return attributes?[.size] as? Int ?? 0
    }
}
