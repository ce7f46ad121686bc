import Foundation
import Testing

/// Rollouts of the built program over a simulated fleet, with kills, and of one hub on this machine.
struct RolloutTests {
    private func scratch(count: Int = 20, latency: String = "20ms", rollout: String = "{}") throws -> Scratch {
        let scratch = try Scratch()
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: fleet}
            spec:
              hub: {port: 8080}
              rollout: \(rollout)
              functions: [{name: f, namespace: demo, runtime: command, command: [cat], env: {A: one}}]
              targets:
                - name: fleet
                  provider: simulated
                  machines: {count: \(count)}
                  simulate: {latency: \(latency), seed: 7, store: sim.jsonl, faults: {transient: 0}}

            """, to: "cluster.yaml")
        return scratch
    }

    private func apply(_ scratch: Scratch, _ more: String...) async throws -> Program.Answer {
        try await Program.Running(["apply", "--auto-approve"] + more, in: scratch.url).wait()
    }

    private func events(_ answer: Program.Answer) -> [[String: Any]] {
        answer.out.split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    /// The ports of all hubs by machine, as the store has them.
    private func ports(_ scratch: Scratch) throws -> [String: Int] {
        var machines: [String: String] = [:]
        var ports: [String: Int] = [:]
        for line in try scratch.read("sim.jsonl").split(separator: "\n") {
            guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let id = object["id"] as? String, id.hasPrefix("hub-")
            else { continue }
            if let address = object["address"] as? String { machines[id] = String(address.suffix(5)) }
            if let port = (object["attributes"] as? [String: Any])?["port"] as? Int { ports[machines[id] ?? id] = port }
        }
        return ports
    }

    @Test func aFailedCanaryIsPutBackAndTheFleetIsUntouched() async throws {
        let scratch = try scratch()
        #expect(try await apply(scratch).status == 0)
        let before = try scratch.read("sim.jsonl")
        try scratch.edit("cluster.yaml", "8080", "8081")
        try scratch.edit("cluster.yaml", "A: one", "A: two")
        let plan = try await Program.run("plan", in: scratch.url)
        #expect(plan.out.contains("Rollout of 20 machines: 1 canary, then at most 5 of 20 at a time"), "\(plan)")
        try scratch.edit("cluster.yaml", "transient: 0", "notReady: [\"*function.m0001*\"]")
        let answer = try await apply(scratch, "--json")
        #expect(answer.status == 1, "\(answer)")
        let wanted = [
            "apply-started", "machine-begun", "operation-failed", "machine-putting-back", "put-back-succeeded",
            "put-back-succeeded", "machine-put-back", "rollout-stopped", "apply-finished",
        ]
        #expect(events(answer).compactMap { $0["event"] as? String }.filter(wanted.contains) == wanted)
        #expect(
            events(answer).last?["failedMachines"] as? [[String: String]] == [
                ["machine": "fleet/machine.m0001", "address": "fleet/function.m0001.demo.f", "end": "put back"]
            ])
        #expect(Set(try ports(scratch).values) == [8080])
        let lines = try scratch.read("sim.jsonl").dropFirst(before.count).split(separator: "\n")
        #expect(lines.count == 4 && lines.allSatisfy { $0.contains("m0001") }, "another machine was touched")
        // Nothing drifted, and the next plan is the same again.
        let again = try await Program.run("plan", "--json", in: scratch.url)
        let document = try #require(try again.json as? [String: Any])
        #expect((document["drift"] as? [Any])?.isEmpty == true, "\(again)")
        #expect((document["summary"] as? [String: Int])?["update"] == 40)
        let history = try await Program.run("state", "history", "2", in: scratch.url)
        #expect(history.out.components(separatedBy: "put back").count == 3, "\(history)")
        try scratch.edit("cluster.yaml", "notReady: [\"*function.m0001*\"]", "transient: 0")
        #expect(try await apply(scratch).status == 0)
        #expect(Set(try ports(scratch).values) == [8081])
        #expect(try await Program.run("plan", "--detailed-exitcode", in: scratch.url).status == 0)
    }

    /// The put back has two steps; the run is killed when the first is on disk and the second is not.
    @Test func aKillInTheMiddleOfAPutBackIsFinishedByTheNextRun() async throws {
        let scratch = try scratch(count: 4, latency: "10ms")
        #expect(try await apply(scratch).status == 0)
        try scratch.edit("cluster.yaml", "8080", "8081")
        try scratch.edit("cluster.yaml", "A: one", "A: two")
        try scratch.edit("cluster.yaml", "transient: 0", "notReady: [\"*function.m0001*\"]")
        let deadly = try await scratch.preload(
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <signal.h>
            #include <string.h>
            #include <unistd.h>
            ssize_t write(int file, const void *bytes, size_t count) {
                ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
                ssize_t written = real(file, bytes, count);
                if (memmem(bytes, count, "\\"put-back-", 10)) kill(getpid(), SIGKILL);
                return written;
            }
            """)
        let killed = try await Program.run("apply", "--auto-approve", environment: deadly, in: scratch.url)
        #expect(killed.status == SIGKILL, "\(killed)")
        #expect(try scratch.read("sim.jsonl").components(separatedBy: "\"put-back-").count == 2)
        #expect(try ports(scratch)["m0001"] == 8081, "killed too late")
        let saved = try await Program.run("plan", "--out", "saved.plan", in: scratch.url)
        #expect(saved.status == 0 && saved.out.contains("was being put back"), "\(saved)")
        let stale = try await Program.run("apply", "saved.plan", in: scratch.url)
        #expect(stale.status == 4 && stale.err.contains("putting machines back"), "\(stale)")
        // Still unfit: it is put back first, then tried, and put back again.
        let again = try await apply(scratch)
        #expect(again.status == 1, "\(again)")
        #expect(again.out.contains("`fleet/hub.m0001`: put back, as the run that was cut off had begun"), "\(again)")
        #expect(Set(try ports(scratch).values) == [8080])
        try scratch.edit("cluster.yaml", "notReady: [\"*function.m0001*\"]", "transient: 0")
        #expect(try await apply(scratch).status == 0)
        #expect(Set(try ports(scratch).values) == [8081])
        #expect(try await Program.run("plan", "--detailed-exitcode", in: scratch.url).status == 0)
        #expect(try await Program.run("recover", in: scratch.url).out == "Nothing is open.\n")
    }

    @Test func neverMoreThanAQuarterAtATimeAndTheCanaryAlone() async throws {
        let scratch = try scratch()
        #expect(try await apply(scratch).status == 0)
        try scratch.edit("cluster.yaml", "8080", "8081")
        try scratch.edit("cluster.yaml", "A: one", "A: two")
        let answer = try await apply(scratch, "--json")
        #expect(answer.status == 0, "\(answer)")
        var inWork = Set<String>()
        var most = 0
        var passed = 0
        for event in events(answer) {
            guard let machine = event["machine"] as? String else { continue }
            switch event["event"] as? String {
            case "machine-begun":
                #expect((event["canary"] as? Bool == true) == (passed == 0), "\(event)")
                inWork.insert(machine)
                most = max(most, inWork.count)
                #expect(passed > 0 || inWork.count == 1, "the canary is not alone")
            case "machine-passed":
                inWork.remove(machine)
                passed += 1
            default: Issue.record("\(event)")
            }
        }
        #expect(most == 5 && passed == 20 && inWork.isEmpty)
    }

    @Test func whatIsOfflineIsSetAsideAndTheNextRunTouchesOnlyIt() async throws {
        let scratch = try scratch(count: 8)
        #expect(try await apply(scratch).status == 0)
        try scratch.edit("cluster.yaml", "8080", "8081")
        try scratch.edit("cluster.yaml", "transient: 0", "offline: [fleet/machine.m0003]")
        let plan = try await Program.run("plan", "--json", in: scratch.url)
        #expect(plan.status == 1, "\(plan)")
        let aside = (try plan.json as? [String: Any])?["setAside"] as? [[String: String]]
        #expect(aside?.map { $0["address"] } == ["fleet/machine.m0003"] && aside?.first?["code"] == "OSR0314")
        #expect(try await Program.run("plan", "--out", "saved.plan", in: scratch.url).status == 1)
        let shown = try await Program.run("show", "saved.plan", in: scratch.url)
        #expect(shown.out.contains("set aside: `fleet/machine.m0003`: it cannot be reached"), "\(shown)")
        let applied = try await Program.run("apply", "saved.plan", in: scratch.url)
        #expect(applied.status == 1 && applied.out.contains("7 updated, 1 set aside"), "\(applied)")
        var expected = try ports(scratch)
        #expect(expected.removeValue(forKey: "m0003") == 8080 && Set(expected.values) == [8081])
        // Nothing is left but what is set aside: nothing is written.
        let store = try scratch.read("sim.jsonl")
        let nothing = try await apply(scratch)
        #expect(nothing.status == 1 && nothing.out.contains("No changes. Set aside: 1."), "\(nothing)")
        #expect(try scratch.read("sim.jsonl") == store)
        try scratch.edit("cluster.yaml", "offline: [fleet/machine.m0003]", "transient: 0")
        let last = try await apply(scratch)
        #expect(last.status == 0 && last.out.contains("1 updated"), "\(last)")
    }

    @Test func aPutBackThatFailsIsToldLoudly() async throws {
        let scratch = try scratch(count: 4)
        #expect(try await apply(scratch).status == 0)
        try scratch.edit("cluster.yaml", "8080", "8081")
        let faults = "notReady: [fleet/hub.m0001], notPutBack: [fleet/hub.m0001]"
        try scratch.edit("cluster.yaml", "transient: 0", faults)
        let answer = try await apply(scratch)
        #expect(answer.status == 1 && answer.out.contains("error[OSR0508]"), "\(answer)")
        #expect(answer.out.contains("it was put back only in part; 3 machines were not begun"), "\(answer)")
        try scratch.edit("cluster.yaml", faults, "transient: 0")
        #expect(try await apply(scratch).status == 0)
        #expect(Set(try ports(scratch).values) == [8081])
    }

    @Test func anInterruptEndsAPause() async throws {
        let scratch = try scratch(count: 4, rollout: "{pause: 1h}")
        #expect(try await apply(scratch).status == 0)
        try scratch.edit("cluster.yaml", "8080", "8081")
        let running = try Program.Running(["apply", "--auto-approve", "--json"], in: scratch.url)
        #expect(
            await eventually {
                running.output().contains("machine-pausing")
            } then: {
                running.process.interrupt()
            })
        let answer = try await running.wait()
        #expect(answer.status == 130, "\(answer)")
        #expect(try ports(scratch).values.count { $0 == 8081 } == 1)
    }

    /// A real hub keeps the version before, with its source and its secrets, and goes back to it.
    @Test func aFunctionThatFailsItsSmokeCallIsPutBackOnARealHub() async throws {
        let scratch = try Scratch()
        func answers(_ answer: String) throws {
            try scratch.write("def handle(event, context):\n    return {'v': '\(answer)'}\n", to: "f/f.py")
        }
        try answers("good")
        try scratch.write(
            """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: rollout}
            spec:
              variables: {key: {secret: true, default: first}}
              hub: {port: \(try freePort())}
              functions:
                - name: f
                  namespace: demo
                  runtime: python3
                  source: f
                  handler: f.handle
                  secrets: {KEY: "${var.key}"}
                  smoke: {input: {}, expect: {v: good}}
              targets: [{name: here, provider: local}]

            """, to: "cluster.yaml")
        do {
            #expect(try await apply(scratch).status == 0)
            let source = try await source(scratch)
            try answers("bad")
            try scratch.edit("cluster.yaml", "default: first", "default: second")
            let answer = try await apply(scratch)
            #expect(answer.status == 1, "\(answer)")
            #expect(answer.out.contains("`here/hub.here` failed at `here/function.here.demo.f`: it was put back"))
            #expect(try await self.source(scratch) == source)
            let plan = try await Program.run("plan", in: scratch.url)
            #expect(plan.out.contains("secrets.KEY, source changed in the manifest"), "\(plan)")
            #expect(!plan.out.contains("Changed outside osiris"), "\(plan)")
            try answers("good")
            try scratch.edit("cluster.yaml", "default: second", "default: first")
            #expect(try await Program.run("plan", "--detailed-exitcode", in: scratch.url).status == 0)
        } catch {
            _ = try await Program.run("destroy", "--auto-approve", in: scratch.url)
            throw error
        }
        #expect(try await Program.run("destroy", "--auto-approve", in: scratch.url).status == 0)
    }

    /// The digest of the function's source, as its hub says.
    private func source(_ scratch: Scratch) async throws -> String {
        let answer = try await Program.run("functions", "describe", "demo/f", in: scratch.url)
        return String(try #require(answer.out.split(separator: "\n").first { $0.hasPrefix("source") }, "\(answer)"))
    }
}
