import Foundation
import OsirisModel
import Testing

@testable import OsirisHub

/// Interpreters that are started before it is known which function they run.
@Suite(.serialized) struct WarmPoolTests {
    /// Says when its process was started, in clock ticks since boot, and what it finds.
    private static let python = """
        import os, sys
        def handle():
            return {"started": int(open("/proc/self/stat").read().rpartition(")")[2].split()[19]), "env": dict(os.environ),
                    "argv": sys.argv[1:], "files": sorted(os.listdir("."))}
        """
    private static let node = """
        const fs = require("fs");
        exports.handle = () => ({started: Number(fs.readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ")[19]),
          env: process.env, argv: process.argv.slice(2), files: fs.readdirSync(".").sort()});
        """
    private struct Seen: Decodable {
        var started: UInt64
        var env: [String: String]
        var argv: [String]
        var files: [String]
    }

    private static func function(_ runtime: String, _ name: String, _ more: [String: Any] = [:]) -> TestFunction {
        let scale: [String: Any] = ["scale": ["min": 0, "max": 1, "idleMs": 1]]
        let fields = scale.merging(more) { $1 }
        return runtime == "node" ? .node(name, node, fields) : .python(name, python, fields)
    }

    /// Now, in clock ticks since boot.
    private static func ticks() throws -> UInt64 {
        let text = String(decoding: FileManager.default.contents(atPath: "/proc/uptime") ?? Data(), as: UTF8.self)
        return UInt64(try #require(Double(text.split(separator: " ")[0])) * Double(sysconf(Int32(_SC_CLK_TCK))))
    }

    private static func view(_ hub: TestHub) async throws -> WarmPool.View {
        struct Info: Decodable { var warm: WarmPool.View }
        let body = try await hub.client.send("GET", "/system/info").body
        return try JSONDecoder().decode(Info.self, from: body).warm
    }

    private static func ready(_ hub: TestHub, _ runtime: String, _ count: Int = 1) async throws {
        try await eventually("\(count) of \(runtime) wait") {
            try await view(hub).runtimes[runtime]?.ready ?? 0 == count
        }
    }

    private func call(_ hub: TestHub, _ name: String) async throws -> Seen {
        let answer = try await hub.client.call(name)
        #expect(answer.status == 200, "\(answer.text)")
        return try JSONDecoder().decode(Seen.self, from: answer.body)
    }

    @Test(arguments: ["python3", "node"]) func whatAnswersWasStartedBefore(_ runtime: String) async throws {
        try await TestHub.with { hub in
            let more: [String: Any] = [
                "env": ["GREETING": "hello\nworld"],
                "secrets": ["KEY": ["value": "s3cret-value", "digest": "hmac-sha256:aa"]],
            ]
            _ = try await hub.client.put(Self.function(runtime, "first", more))
            _ = try await hub.client.put(Self.function(runtime, "second"))
            try await Self.ready(hub, runtime)
            let before = try Self.ticks()
            let first = try await call(hub, "first")
            #expect(first.started < before)
            #expect(first.env["GREETING"] == "hello\nworld" && first.env["KEY"] == "s3cret-value")
            #expect(first.env["OSIRIS_FUNCTION"] == "first" && first.argv == ["code.handle"])
            // The same variables and files as one that starts by itself, and nothing of the hub or of another one.
            try await Self.ready(hub, runtime)
            let second = try await call(hub, "second")
            #expect(second.started > first.started)
            #expect(second.env["GREETING"] == nil && second.env["KEY"] == nil)
            let ofHub = Set(ProcessInfo.processInfo.environment.keys).subtracting(["HOME", "LANG", "PATH", "PWD"])
            #expect(!ofHub.isEmpty && ofHub.isDisjoint(with: second.env.keys))
            #expect(second.env["OSIRIS_FUNCTION"] == "second")
            #expect(second.files == [runtime == "node" ? "code.js" : "code.py"])
            #expect(try await Self.view(hub).runtimes[runtime]?.taken == 2)
            let metrics = try await hub.client.send("GET", "/metrics").text
            #expect(metrics.contains("osiris_warm_taken_total{runtime=\"\(runtime)\"} 2\n"))
        }
    }

    /// A variable or a module that a started interpreter would have missed: it starts by itself, and finds it.
    @Test func whatMattersAtTheStartIsThereAtTheStart() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(Self.function("python3", "plain"))
            try await Self.ready(hub, "python3")
            for (name, more) in [
                ("hash", ["env": ["PYTHONHASHSEED": "0"]]), ("zone", ["env": ["TZ": "Asia/Tokyo"]]),
                ("file", ["secretFiles": ["key": ["value": "clear", "digest": "hmac-sha256:aa"]]]),
            ] as [(String, [String: Any])] {
                let put = try await hub.client.put(Self.function("python3", name, more))
                #expect(put.status == 201, "\(put.text)")
                let before = try Self.ticks()
                #expect(try await call(hub, name).started >= before, "\(name)")
            }
            let code = Data(Self.python.utf8).base64EncodedString()
            let own = Data("import builtins\nbuiltins.mark = 1\n".utf8).base64EncodedString()
            let files = [["path": "code.py", "base64": code], ["path": "vendor/sitecustomize.py", "base64": own]]
            _ = try await hub.client.put(Self.function("python3", "vendor", ["files": files]))
            for _ in 0..<2 {
                let before = try Self.ticks()
                #expect(try await call(hub, "vendor").started >= before)
                try await Self.ready(hub, "python3")
            }
            // It was tried once, and never again.
            let python = try await Self.view(hub).runtimes["python3"]
            #expect(python?.taken == 0 && python?.ended == 0)
            let before = try Self.ticks()
            #expect(try await call(hub, "plain").started < before)
        }
    }

    @Test func aVendoredModuleIsFound() async throws {
        try await TestHub.with { hub in
            let code = Data("import extra\ndef handle():\n    return extra.word\n".utf8).base64EncodedString()
            let extra = Data("word = 'vendored'\n".utf8).base64EncodedString()
            let files = [["path": "code.py", "base64": code], ["path": "vendor/extra.py", "base64": extra]]
            _ = try await hub.client.put(Self.function("python3", "vendor", ["files": files]))
            try await Self.ready(hub, "python3")
            #expect(try await hub.client.call("vendor").text == "\"vendored\"")
            #expect(try await Self.view(hub).runtimes["python3"]?.taken == 1)
        }
    }

    @Test func limitsHoldInIt() async throws {
        try await TestHub.with { hub in
            let code = """
                import resource, socket
                def handle(what):
                    if what == "files":
                        kept = []
                        while True: kept.append(socket.socket())
                    if what == "memory": return len(bytes(1 << 30))
                    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
                """
            let more: [String: Any] = [
                "limits": ["openFiles": 40, "memoryBytes": 200 << 20], "scale": ["min": 0, "max": 1, "idleMs": 1],
            ]
            _ = try await hub.client.put(.python("hog", code, more))
            for (what, expected) in [("files", 500), ("memory", 500), ("none", 200)] {
                try await Self.ready(hub, "python3")
                let answer = try await hub.client.call("hog", "\"\(what)\"")
                #expect(answer.status == expected, "\(what): \(answer.text)")
                if expected == 500 { #expect(answer.code == "limit_exceeded", "\(what): \(answer.text)") }
                try await eventually("it is at zero") { try await hub.client.status("hog").replicas == 0 }
            }
            #expect(try await Self.view(hub).runtimes["python3"]?.taken ?? 0 >= 3)
        }
    }

    @Test func aKilledOneIsReplaced() async throws {
        try await TestHub.with { hub in
            _ = try await hub.client.put(Self.function("python3", "f"))
            try await Self.ready(hub, "python3")
            let victim = try #require(try Self.waiting(hub).first)
            kill(victim.pid, SIGKILL)
            try await eventually("it is noticed") { try await Self.view(hub).runtimes["python3"]?.ended == 1 }
            try await Self.ready(hub, "python3")
            let other = try #require(try Self.waiting(hub).first)
            #expect(other != victim)
            let before = try Self.ticks()
            #expect(try await call(hub, "f").started < before)
        }
    }

    @Test func aVersionThatIsUpdatedAtZeroAnswersAtOnce() async throws {
        try await TestHub.with { hub in
            let scale: [String: Any] = ["scale": ["min": 0, "max": 1, "idleMs": 1]]
            for version in 1...3 {
                _ = try await hub.client.put(.python("f", "def handle():\n    return \(version)\n", scale))
                try await hub.client.wait(for: "f", "at version \(version)") { $0.servingVersion == version }
                try await Self.ready(hub, "python3")
                #expect(try await hub.client.call("f").text == "\(version)")
            }
        }
    }

    /// No function that could use one: none. None at the hub's end, and nothing of theirs on the disk.
    @Test func thereAreNoMoreThanAreOfUse() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var left: [ProcessIdentity] = []
        try await TestHub.with(folder: folder) { hub in
            _ = try await hub.client.put(Self.function("python3", "full", ["scale": ["min": 1, "max": 1]]))
            try await hub.client.wait(for: "full")
            _ = try await hub.client.put(Self.function("node", "zero"))
            try await Self.ready(hub, "node")
            #expect(try await Self.view(hub).runtimes["python3"]?.ready ?? 0 == 0)
            let node = try #require(try await Self.view(hub).runtimes["node"])
            #expect(node.bytes > 1 << 20 && node.bytes < 256 << 20)
            _ = try await hub.client.send(
                "DELETE", "/system/functions", body: #"{"functionName":"zero","namespace":"demo"}"#)
            try await Self.ready(hub, "node", 0)
            _ = try await hub.client.put(Self.function("python3", "zero"))
            try await Self.ready(hub, "python3")
            left = try Self.waiting(hub)
            #expect(!left.isEmpty)
        }
        for process in left { #expect(!process.isAlive) }
        let slots = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/warm")) ?? []
        #expect(slots.isEmpty)
    }

    /// The processes that the hub noted and that run no function yet.
    private static func waiting(_ hub: TestHub) throws -> [ProcessIdentity] {
        struct Record: Decodable { var instances: [ProcessIdentity] }
        let bytes = FileManager.default.contents(atPath: hub.folder + "/instances") ?? Data()
        return try JSONDecoder().decode(Record.self, from: bytes).instances
    }
}

/// How many there should be.
struct WarmPlanTests {
    private func shape(_ runtime: FunctionSpec.Runtime, memory: Int? = nil) throws -> WarmShape {
        let spec = FunctionSpec(
            name: .init(namespace: "demo", name: "f"), runtime: runtime, handler: "code.handle",
            limits: .init(memoryBytes: memory))
        return try #require(WarmShape(spec, dependencies: nil))
    }

    @Test func shapesUsedLastComeFirst() throws {
        let (python, node, other) = (try shape(.python3), try shape(.node), try shape(.python3, memory: 1 << 28))
        var bounds = WarmPlan.Bounds(.init(each: 2, most: 3, bytes: 100))
        let demand: [WarmShape: WarmPlan.Demand] = [
            python: .init(instances: 5), node: .init(instances: 1, lastUse: 7), other: .init(instances: 3, lastUse: 2),
        ]
        #expect(WarmPlan.wanted(demand, within: bounds) { _ in 1 } == [node: 1, other: 2])
        bounds.most = 8
        #expect(WarmPlan.wanted(demand, within: bounds) { _ in 1 } == [node: 1, other: 2, python: 2])
        bounds.bytes = 60
        #expect(WarmPlan.wanted(demand, within: bounds) { $0 == other ? 50 : 10 } == [node: 1, other: 1])
        bounds.each = 0
        #expect(WarmPlan.wanted(demand, within: bounds) { _ in 1 } == [:])
    }

    @Test func limitsThatAreSaidAndThoseThatHoldAnywayAreTheSame() throws {
        let name = FunctionName(namespace: "demo", name: "f")
        func shape(_ limits: FunctionSpec.Limits, _ env: [String: String] = [:]) -> WarmShape? {
            WarmShape(
                FunctionSpec(name: name, runtime: .python3, handler: "a.b", limits: limits, env: env), dependencies: nil
            )
        }
        #expect(shape(.init()) == shape(.init(timeoutMs: 5, outputBytes: 7, processes: 64, openFiles: 256)))
        #expect(shape(.init()) != shape(.init(processes: 65)))
        #expect(shape(.init(), ["A": "b"]) == shape(.init()))
        for odd in ["PYTHONPATH", "LD_PRELOAD", "TZ", "PATH", "NODE_OPTIONS", "LC_ALL"] {
            #expect(shape(.init(), [odd: "x"]) == nil, "\(odd)")
        }
        #expect(WarmShape(FunctionSpec(name: name, runtime: .command, command: ["cat"]), dependencies: nil) == nil)
    }

    @Test func oneThatEndsIsReplacedLaterAndLater() throws {
        var shelf = WarmShelf(.init())
        let python = try shape(.python3)
        let seat = shelf.seat()
        shelf.room(seat, 1)
        shelf.know(seat, python)
        var now = 0.0
        var waits: [Double] = []
        for _ in 0..<12 {
            guard case .start(python) = shelf.next(at: now) else {
                Issue.record("It is not started.")
                return
            }
            shelf.willStart(python)
            shelf.ended(nil, python, reason: "no interpreter", at: now)
            guard case .rest(let time?) = shelf.next(at: now) else {
                Issue.record("It is started at once.")
                return
            }
            waits.append(time - now)
            now = time
        }
        #expect(waits == waits.sorted() && waits[0] <= 0.11 && waits[11] > 29)
        #expect(shelf.counts[.python3]?.ended == 12 && shelf.counts[.python3]?.lastError == "no interpreter")
        shelf.room(seat, nil)
        guard case .rest(nil) = shelf.next(at: now + 60) else {
            Issue.record("It is still wanted.")
            return
        }
    }
}
