import Foundation
import Testing

/// A run that sleeps past its lock, as with a laptop's lid closed, and comes back while or after another applied.
struct FencingTests {
    enum TakeOver: String, CaseIterable { case unlock, lease }
    enum Return: String, CaseIterable { case during, after }

    private static func manifest(count: Int, port: Int, targets: [String] = ["fleet"]) -> String {
        let targets = targets.map {
            "    - {name: \($0), provider: simulated, machines: {count: \(count)}, "
                + "simulate: {latency: 300ms, seed: 7, store: \($0).jsonl}}"
        }.joined(separator: "\n")
        return """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: fleet}
            spec:
              hub: {port: \(port)}
              functions: [{name: f, namespace: demo, runtime: command, command: [cat]}]
              targets:
            \(targets)

            """
    }

    @Test(arguments: TakeOver.allCases, Return.allCases)
    func aSimulatedFleetIsOutOfItsReach(takeOver: TakeOver, comesBack: Return) async throws {
        let scratch = try Scratch()
        let store = scratch.url.appendingPathComponent("fleet.jsonl")
        let linesBeforeSleep = Int.random(in: 3...40)
        try scratch.write(Self.manifest(count: 12, port: 8080), to: "cluster.yaml")
        let late = try Late(in: scratch)
        defer { late.end() }
        print("seed \(linesBeforeSleep), late run is process \(late.pid)")
        try await late.sleepsOnce {
            Self.lines(store).count >= linesBeforeSleep
        } betweenIntentAndEffectOf: {
            let made = (try? simulatedObjects(store).values).map(Set.init) ?? []
            // All that may run at once, and none has come to the store: it is the store that has to refuse them.
            return $0.count == 4 && $0.allSatisfy { !made.contains($0) }
        }

        // Fewer machines than the late run was making, with another port.
        try scratch.write(Self.manifest(count: 3, port: 9090), to: "cluster.yaml")
        let before = Self.lines(store)
        try await late.isOvertaken(takeOver)
        let next = try Program.Running(["apply", "--auto-approve"], in: scratch.url)
        print("next run is process \(next.process.processIdentifier)")
        if comesBack == .during {
            #expect(
                await eventually {
                    Self.lines(store).count > before.count
                } then: {
                    late.wakesUp()
                })
        }
        let nextAnswer = try await next.wait()
        #expect(nextAnswer.status == 0, "\(nextAnswer)")
        let (after, exported) = (Self.lines(store), try await Program.run("state", "export", in: scratch.url).out)
        late.wakesUp()
        let lateAnswer = try await late.running.wait()
        #expect(lateAnswer.status == 1 && lateAnswer.out.contains("OSR0405"), "\(lateAnswer)")
        #expect(lateAnswer.out.contains("was changed by a later run"), "\(lateAnswer)")

        #expect(Self.lines(store) == after)
        #expect(Array(after.prefix(before.count)) == before)
        let fences = Set(try after.dropFirst(before.count).map { try Self.fence($0) })
        let lateFence = try Self.fence(before[0])
        #expect(fences.count == 1 && !fences.contains(lateFence), "\(fences)")
        #expect(try await Program.run("state", "export", in: scratch.url).out == exported)
        #expect(try simulatedObjects(store).count == 3 * 5)
        #expect(try await Program.run("plan", "--detailed-exitcode", in: scratch.url).status == 0)
    }

    /// The next run changes nothing there; the open intents alone shut the late one out.
    @Test func aPlaceThatTheNextRunHasNothingToDoAt() async throws {
        let scratch = try Scratch()
        try scratch.write(Self.manifest(count: 1, port: 8080), to: "cluster.yaml")
        #expect(try await Program.run("apply", "--auto-approve", in: scratch.url).status == 0)
        try scratch.write(Self.manifest(count: 1, port: 8080, targets: ["fleet", "other"]), to: "cluster.yaml")
        let late = try Late(in: scratch)
        defer { late.end() }
        print("late run is process \(late.pid)")
        try await late.sleepsOnce {
            late.running.output().contains("operation-started")
        } betweenIntentAndEffectOf: {
            $0 == ["other/machine.m0001"]
        }
        #expect(!FileManager.default.fileExists(atPath: scratch.url.path + "/other.jsonl"))
        try scratch.write(Self.manifest(count: 1, port: 8080), to: "cluster.yaml")
        try await late.isOvertaken(.unlock)
        let next = try await Program.run("apply", "--auto-approve", in: scratch.url)
        #expect(next.status == 0 && next.out.contains("cut off before it took effect"), "\(next)")
        late.wakesUp()
        let answer = try await late.running.wait()
        #expect(answer.status == 1 && answer.out.contains("OSR0405"), "\(answer)")
        #expect(try simulatedObjects(scratch.url.appendingPathComponent("other.jsonl")).isEmpty)
    }

    private static func lines(_ store: URL) -> [Substring] {
        ((try? String(contentsOf: store, encoding: .utf8)) ?? "").split(separator: "\n")
    }

    private static func fence(_ line: Substring) throws -> Int {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return try #require(object?["fence"] as? Int)
    }
}
