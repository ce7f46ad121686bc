import Foundation
import Synchronization
import Testing

/// The built program with its state in etcd and S3, while members, osiris itself, or both are killed.
@Suite(.serialized) struct SharedStateTests {
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write(FleetTests.manifest(latency: "100ms"), to: "cluster.yaml")
    }

    /// An apply that is under way when this returns.
    func startApply(_ environment: [String: String]) async throws -> Program.Running {
        let running = try Program.Running(
            ["apply", "--auto-approve", "--parallelism", "8", "--json"], environment: environment, in: scratch.url)
        #expect(await eventually { running.output().contains("operation-succeeded") })
        return running
    }

    func expectConverged(_ environment: [String: String]) async throws {
        let again = try await Program.run("apply", "--auto-approve", environment: environment, in: scratch.url)
        #expect(again.status == 0, "\(again)")
        try await expectEmptyPlan(environment)
    }

    func expectEmptyPlan(_ environment: [String: String]) async throws {
        let objects = try simulatedObjects(scratch.url.appendingPathComponent("sim.jsonl"))
        #expect(objects.count == 200)
        #expect(Set(objects.values).count == 200, "an address has two objects")
        let plan = try await Program.run("plan", "--detailed-exitcode", environment: environment, in: scratch.url)
        #expect(plan.status == 0, "\(plan)")
    }

    @Test(.timeLimit(.minutes(15))) func oneOfThreeMembersIsKilled() async throws {
        let etcd = try await Etcd()
        let environment = ["OSIRIS_STATE": etcd.url("one")]
        let running = try await startApply(environment)
        try etcd.kill(0)
        let answer = try await running.wait()
        #expect(answer.status == 0, "\(answer)")
        try await expectEmptyPlan(environment)
        #expect(!scratch.files().contains(".osiris/state.db"))
    }

    @Test(.timeLimit(.minutes(15))) func twoOfThreeMembersAreKilledAndComeBack() async throws {
        let etcd = try await Etcd()
        let environment = ["OSIRIS_STATE": etcd.url("two")]
        let running = try await startApply(environment)
        try etcd.kill(0)
        try etcd.kill(1)
        let answer = try await running.wait()
        #expect(answer.status == 1, "\(answer)")
        #expect(answer.out.contains("OSR0408") && answer.out.contains("what was recorded before is safe"), "\(answer)")
        let plan = try await Program.run("plan", environment: environment, in: scratch.url)
        #expect(plan.status == 1 && plan.err.contains("OSR0401") && plan.err.contains(etcd.url("two")), "\(plan)")
        try etcd.restart(0)
        try etcd.restart(1)
        // Until its lease is over, the lock of the run that could not give it back counts, unless it is seen to be gone.
        try await expectConverged(environment)
    }

    @Test(.timeLimit(.minutes(15)), arguments: [5, 60, 150])
    func killedAnywhereItFinishesFromS3(objectsBeforeKill: Int) async throws {
        let s3 = try await S3()
        let environment = s3.environment.merging(["OSIRIS_STATE": "s3://edge/fleet"]) { $1 }
        let store = scratch.url.appendingPathComponent("sim.jsonl")
        let running = try Program.Running(["apply", "--auto-approve"], environment: environment, in: scratch.url)
        _ = await eventually {
            (try? simulatedObjects(store).count) ?? 0 >= objectsBeforeKill || !running.process.isRunning
        } then: {
            kill(running.process.processIdentifier, SIGKILL)
        }
        _ = try await running.wait()
        try await expectConverged(environment)
    }

    @Test(.timeLimit(.minutes(15))) func theStateMovesAndThePlanStaysEmpty() async throws {
        let (etcd, s3) = (try await Etcd(), try await S3())
        let environment = s3.environment
        let first = try await Program.run("apply", "--auto-approve", environment: environment, in: scratch.url)
        #expect(first.status == 0, "\(first)")
        let text = try scratch.read("cluster.yaml")
        var place = ".osiris/state.db"
        for next in [etcd.url("moved"), "s3://edge/moved", ".osiris/state.db"] {
            let moved = try await Program.run(
                "state", "migrate", "--to", next, environment: environment, in: scratch.url)
            #expect(moved.status == 0 && moved.out.contains("200 resources moved"), "\(moved)")
            for verbs in [["plan"], ["state", "list"], ["apply", "--auto-approve"]] {
                let answer = try await Program.Running(verbs, environment: environment, in: scratch.url).wait()
                #expect(answer.status == 4 && answer.err.contains("OSR0415"), "\(place): \(answer)")
            }
            // The manifest says where the state is; also one with a fault elsewhere.
            place = next
            try scratch.write(
                text.replacing("spec:\n", with: "spec:\n  state: \(next)\n  oops: 1\n"), to: "cluster.yaml")
            let list = try await Program.run("state", "list", "--json", environment: environment, in: scratch.url)
            #expect((try list.json as? [String])?.count == 200, "\(list)")
            try scratch.edit("cluster.yaml", "  oops: 1\n", "")
            try await expectEmptyPlan(environment)
        }
        let history = try await Program.run("state", "history", environment: environment, in: scratch.url)
        #expect(history.out.components(separatedBy: "state migrate").count == 4, "\(history)")
    }

    @Test func aWrongPlaceIsSaidSo() async throws {
        for (place, word) in [
            ("s4://bucket/edge", "s3://"), ("etcd:///edge", "host"), ("s3://user:CANARY@bucket/x", "AWS_ACCESS_KEY_ID"),
        ] {
            let answer = try await Program.run("state", "list", "--state", place, in: scratch.url)
            #expect(answer.status == 1 && answer.err.contains("OSR0416") && answer.err.contains(word), "\(answer)")
            #expect(!answer.err.contains("CANARY"))
        }
        let nobody = try await Program.run("plan", "--state", "etcd://127.0.0.1:\(try freePort())/x", in: scratch.url)
        #expect(nobody.status == 1 && nobody.err.contains("OSR0401"), "\(nobody)")
    }
}

/// Three members of etcd that are killed and started again.
final class Etcd: Sendable {
    private let service: Service
    private let ports: [Int]
    private let pids: [Int32]
    /// How each was started.
    private let commands: [[String]]

    init() async throws {
        service = try Service("etcd.py")
        let ready = try await service.ready()
        ports = try #require(ready["ports"] as? [Int])
        pids = try #require(ready["pids"] as? [Int]).map(Int32.init)
        commands = try pids.map { pid in
            try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/cmdline")).split(separator: 0)
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    func url(_ prefix: String) -> String {
        "etcd://" + ports.map { "127.0.0.1:\($0)" }.joined(separator: ",") + "/" + prefix
    }

    func kill(_ member: Int) throws { try #require(Glibc.kill(pids[member], SIGKILL) == 0) }

    /// A shell ends it when its standard input does, so with the tests.
    func restart(_ member: Int) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", #""$@" & read _; kill -9 $!"#, "sh"] + commands[member]
        let input = Pipe()
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        restarted.withLock { $0.append(input) }
    }

    private let restarted = Mutex<[Pipe]>([])

    deinit { restarted.withLock { for input in $0 { try? input.fileHandleForWriting.close() } } }
}

/// S3, played by moto.
struct S3 {
    private let service: Service
    let environment: [String: String]

    init() async throws {
        service = try Service("s3.py")
        let port = try #require(try await service.ready()["port"] as? Int)
        environment = [
            "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:\(port)", "AWS_ACCESS_KEY_ID": "AKIDOSIRIS",
            "AWS_SECRET_ACCESS_KEY": "CANARY-secret", "AWS_SESSION_TOKEN": "CANARY-token",
        ]
    }
}
