import Foundation
import Synchronization
import Testing

/// A simulated fleet of 200 resources that is interrupted: nothing lost, nothing doubled.
struct FleetTests {
    /// 25 machines × (machine, engine, image, hub + 4 functions) = 200 resources.
    static func manifest(latency: String = "5ms", faults: String = "{}") -> String {
        let functions = (1...4).map {
            "    - {name: f\($0), namespace: demo, runtime: command, command: [cat]}"
        }.joined(separator: "\n")
        return """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: fleet}
            spec:
              functions:
            \(functions)
              targets:
                - name: fleet
                  provider: simulated
                  machines: {count: 25}
                  simulate: {latency: \(latency), seed: 7, store: sim.jsonl, faults: \(faults)}

            """
    }

    private func expectConverged(_ scratch: Scratch) async throws {
        let again = try await Program.run("apply", "--auto-approve", in: scratch.url)
        #expect(again.status == 0, "\(again)")
        let objects = try simulatedObjects(scratch.url.appendingPathComponent("sim.jsonl"))
        #expect(objects.count == 200)
        #expect(Set(objects.values).count == 200, "an address has two objects")
        let plan = try await Program.run("plan", "--detailed-exitcode", in: scratch.url)
        #expect(plan.status == 0, "\(plan)")
    }

    @Test func interruptFinishesWhatRunsAndSaysWhatIsLeft() async throws {
        let scratch = try Scratch()
        try scratch.write(Self.manifest(latency: "200ms"), to: "cluster.yaml")
        let running = try Program.Running(["apply", "--auto-approve", "--parallelism", "4", "--json"], in: scratch.url)
        #expect(
            await eventually {
                running.output().contains("operation-succeeded")
            } then: {
                running.process.interrupt()
            })
        let answer = try await running.wait()
        #expect(answer.status == 130, "\(answer)")
        let objects = try simulatedObjects(scratch.url.appendingPathComponent("sim.jsonl"))
        #expect(objects.count < 200)
        // What ran was recorded: the state knows every object.
        let listed = try await Program.run("state", "list", "--json", in: scratch.url)
        #expect((try listed.json as? [String])?.count == objects.count)
        try await expectConverged(scratch)
    }

    @Test(arguments: [3, 17, 40, 90, 150, 190])
    func killedAnywhereItFinishes(objectsBeforeKill: Int) async throws {
        let scratch = try Scratch()
        try scratch.write(Self.manifest(), to: "cluster.yaml")
        let store = scratch.url.appendingPathComponent("sim.jsonl")
        let running = try Program.Running(["apply", "--auto-approve"], in: scratch.url)
        _ = await eventually {
            (try? simulatedObjects(store).count) ?? 0 >= objectsBeforeKill || !running.process.isRunning
        } then: {
            kill(running.process.processIdentifier, SIGKILL)
        }
        _ = try await running.wait()
        try await expectConverged(scratch)
    }

    @Test func faultsAreRetriedAndLostAnswersFound() async throws {
        let scratch = try Scratch()
        try scratch.write(
            Self.manifest(latency: "0ms", faults: "{throttle: 0.1, transient: 0.1, lostAnswer: 0.2}"),
            to: "cluster.yaml")
        let first = try await Program.run("apply", "--auto-approve", in: scratch.url)
        #expect(first.status == 0, "\(first)")
        try await expectConverged(scratch)
    }

    @Test func deadlineStopsInTime() async throws {
        let scratch = try Scratch()
        try scratch.write(Self.manifest(latency: "100ms"), to: "cluster.yaml")
        let answer = try await Program.run(
            "apply", "--auto-approve", "--parallelism", "2", "--deadline", "1s", in: scratch.url)
        #expect(answer.status == 1, "\(answer)")
        #expect(try simulatedObjects(scratch.url.appendingPathComponent("sim.jsonl")).count < 200)
        try await expectConverged(scratch)
    }

    @Test func twoAppliesAtOnceDoNotMix() async throws {
        let scratch = try Scratch()
        try scratch.write(Self.manifest(latency: "200ms"), to: "cluster.yaml")
        let folder = scratch.url
        let first = try Program.Running(["apply", "--auto-approve", "--json", "--parallelism", "4"], in: folder)
        let seconds = Mutex<[Program.Running]>([])
        #expect(
            await eventually {
                first.output().contains("operation-started")
            } then: {
                let verbs = [["apply", "--auto-approve"], ["plan"]]
                seconds.withLock { $0 = verbs.compactMap { try? Program.Running($0, in: folder) } }
            })
        let started = seconds.withLock { $0 }
        try #require(started.count == 2)
        let second = try await started[0].wait()
        #expect(second.status == 4, "\(second)")
        #expect(second.err.contains("OSR0404") && second.err.contains("pid \(first.process.processIdentifier)"))
        // Reading needs no lock.
        #expect(try await started[1].wait().status == 0)
        #expect(try await first.wait().status == 0)
        try await expectConverged(scratch)
    }
}
