import Foundation
import FoundationNetworking
import Testing

/// A run that sleeps past its lock, with a real hub and functions in it.
struct HubFencingTests {
    private static let slow = "import time\ntime.sleep(60)\ndef handle():\n    return 1\n"

    private static func manifest(port: Int, functions: [String], env: String) -> String {
        let functions = functions.map {
            "    - {name: \($0), namespace: demo, runtime: python3, source: functions/f, handler: f.handle, "
                + "env: {GREETING: \(env)}}"
        }.joined(separator: "\n")
        return """
            apiVersion: osiris.dev/v1
            kind: Cluster
            metadata: {name: edge}
            spec:
              functions:
            \(functions)
              targets:
                - {name: here, provider: local, port: \(port)}

            """
    }

    @Test(arguments: FencingTests.TakeOver.allCases)
    func aHubIsOutOfItsReach(takeOver: FencingTests.TakeOver) async throws {
        let scratch = try Scratch()
        let port = try freePort()
        try scratch.write("def handle():\n    return 1\n", to: "functions/f/f.py")
        try scratch.write(Self.manifest(port: port, functions: ["a"], env: "one"), to: "cluster.yaml")
        let first = try await Program.run("apply", "--auto-approve", in: scratch.url)
        #expect(first.status == 0, "\(first)")
        // The late run changes a and makes b and c, one after the other, each slow to get ready.
        try scratch.write(Self.slow, to: "functions/f/f.py")
        try scratch.write(Self.manifest(port: port, functions: ["a", "b", "c"], env: "late"), to: "cluster.yaml")
        let late = try Late(["--parallelism", "1"], in: scratch)
        print("late run is process \(late.pid)")
        let result: Result<Void, any Error>
        do { result = .success(try await overtake(late, takeOver, port, scratch)) } catch { result = .failure(error) }
        late.end()
        _ = try await Program.run("destroy", "--auto-approve", in: scratch.url)
        try result.get()
    }

    private func overtake(_ late: Late, _ takeOver: FencingTests.TakeOver, _ port: Int, _ scratch: Scratch) async throws
    {
        try await late.sleepsOnce {
            late.running.output().contains("waiting until the function is ready")
        } betweenIntentAndEffectOf: {
            $0 == ["here/function.here.demo.a"]
        }
        try scratch.write("def handle():\n    return 2\n", to: "functions/next/f.py")
        let manifest = Self.manifest(port: port, functions: ["a"], env: "next")
        try scratch.write(
            manifest.replacingOccurrences(of: "functions/f,", with: "functions/next,"), to: "cluster.yaml")
        let number = try await late.isOvertaken(takeOver)
        let next = try await Program.run("apply", "--auto-approve", in: scratch.url)
        #expect(next.status == 0, "\(next)")
        let token = try await Program.run("hub", "token", "--role", "admin", in: scratch.url).out
        let functions = try await hubFunctions(port, token)
        let exported = try await Program.run("state", "export", in: scratch.url).out
        late.wakesUp()
        let answer = try await late.running.wait()
        #expect(answer.status == 1 && answer.out.contains("OSR0405"), "\(answer)")
        // Whether it hears so from the hub or, at the next renewal of its lease, from the state is a matter of time. The
        // hub would say it at any time:
        let state = try #require(try JSONSerialization.jsonObject(with: Data(exported.utf8)) as? [String: Any])
        let headers = ["Osiris-Lineage": try #require(state["lineage"] as? String), "Osiris-Fence": number]
        let refused = try await http("PUT", "fence", port, token, headers)
        #expect(refused.contains("fenced") && refused.contains("this run has \(number)"), "\(refused)")
        #expect(try await hubFunctions(port, token) == functions)
        #expect(functions.count == 1 && functions[0].contains("next"), "\(functions)")
        #expect(try await Program.run("state", "export", in: scratch.url).out == exported)
        #expect(try await Program.run("plan", "--detailed-exitcode", in: scratch.url).status == 0)
    }

    /// Name, version and environment of every function, as the hub tells them.
    private func hubFunctions(_ port: Int, _ token: String) async throws -> [String] {
        let answer = try await http("GET", "functions", port, token)
        let list = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [[String: Any]] ?? []
        return list.map { "\($0["name"] ?? "") \($0["version"] ?? "") \($0["env"] ?? "")" }
    }

    private func http(
        _ method: String, _ path: String, _ port: Int, _ token: String, _ headers: [String: String] = [:]
    ) async throws -> String {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)/system/\(path)")))
        request.httpMethod = method
        request.setValue("Bearer \(token.trimmingCharacters(in: .newlines))", forHTTPHeaderField: "Authorization")
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        return String(decoding: try await URLSession.shared.data(for: request).0, as: UTF8.self)
    }

    /// A plan reads: what a killed create left is told, not mended.
    @Test func aPlanAfterAKillChangesNothing() async throws {
        let scratch = try Scratch()
        let port = try freePort()
        try scratch.write("def handle():\n    return 1\n", to: "functions/f/f.py")
        try scratch.write(Self.manifest(port: port, functions: ["a"], env: "one"), to: "cluster.yaml")
        let killed = try Late(in: scratch)
        print("killed run is process \(killed.pid)")
        let hubs = scratch.url.path + "/.osiris/hubs"
        #expect(
            await eventually {
                !processes(on: hubs + "/here").isEmpty
            } then: {
                kill(killed.pid, SIGKILL)
            })
        _ = try await killed.running.wait()
        for process in processes(on: hubs + "/here") { kill(process, SIGKILL) }
        let isGone = await eventually { processes(on: hubs + "/here").isEmpty }
        #expect(isGone)
        func files() -> [String: Data] {
            var found: [String: Data] = [:]
            for name in scratch.files() where name.hasPrefix(".osiris/hubs/") {
                found[name] = FileManager.default.contents(atPath: scratch.url.path + "/" + name)
            }
            return found
        }
        let before = files()
        let plan = try await Program.run("plan", in: scratch.url)
        #expect(plan.status == 0 && plan.out.contains("its token is lost"), "\(plan)")
        #expect(files() == before && processes(on: hubs + "/here").isEmpty)
        let applied = try await Program.run("apply", "--auto-approve", in: scratch.url)
        #expect(applied.status == 0, "\(applied)")
        #expect(processes(on: hubs + "/here").count == 1)
        #expect(try await Program.run("functions", "call", "demo/a", in: scratch.url).out == "1\n")
        #expect(try await Program.run("plan", "--detailed-exitcode", in: scratch.url).status == 0)
        #expect(try await Program.run("destroy", "--auto-approve", in: scratch.url).status == 0)
        #expect(processes(on: hubs + "/here").isEmpty)
    }

    /// The hubs that serve a data folder.
    private func processes(on folder: String) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            return String(decoding: line, as: UTF8.self).hasSuffix("serve\0--data\0\(folder)\0")
        }
    }
}
