import Foundation
import Testing

@testable import OsirisHub

/// What `/system/info` claims, held against a function that tries.
@Suite(.serialized) struct IsolationTests {
    /// Reads each path it is given; true for those it could.
    private static let spy = """
        import os
        def handle(event):
            seen = {}
            for path in event:
                try:
                    if os.path.isdir(path): os.listdir(path)
                    else: open(path, "rb").read(1)
                    seen[path] = True
                except OSError:
                    seen[path] = False
            return seen
        """

    private func look(_ hub: TestHub, _ paths: [String]) async throws -> [String: Bool] {
        let input = String(decoding: try JSONEncoder().encode(paths), as: UTF8.self)
        let answer = try await hub.client.call("spy", input)
        return try JSONDecoder().decode([String: Bool].self, from: answer.body)
    }

    @Test func filesAndSecretsOfOthersAreAsReachableAsClaimed() async throws {
        try await TestHub.with { hub in
            let secrets: [String: Any] = ["secrets": ["KEY": ["value": "s3cret", "digest": "hmac-sha256:aa"]]]
            _ = try await hub.client.put(.python("victim", "def handle():\n    return 1\n", secrets))
            _ = try await hub.client.put(.python("spy", Self.spy))
            let source = hub.folder + "/functions/demo/victim/1/code.py"
            let own = ["catalog.db", "hub.json", "secrets/demo/victim/1.json", "logs"].map { hub.folder + "/" + $0 }
            for path in own + [source] { #expect(FileManager.default.fileExists(atPath: path), "\(path)") }
            let isolation = try await LimitsTests.isolation(hub)
            let seen = try await look(hub, own + [source])
            for path in own { #expect(seen[path] == !isolation.hubData.inForce, "\(path)") }
            #expect(seen[source] == !isolation.files.inForce)
        }
    }

    @Test func theHubsProcessIsAsReachableAsClaimed() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let program = try await RunningProgram.start(folder)
        let code = """
            import os
            def handle(pid):
                def tried(what):
                    try:
                        what()
                        return True
                    except OSError:
                        return False
                return [tried(lambda: open("/proc/%d/environ" % pid, "rb").read()), tried(lambda: os.kill(pid, 0))]
            """
        _ = try await program.client.put(.python("spy", code))
        let seen = try await program.client.call("spy", "[\(program.process.pid)]").text
        struct Info: Decodable { var isolation: Isolation }
        let info = try await program.client.send("GET", "/system/info").body
        let apart = try JSONDecoder().decode(Info.self, from: info).isolation.otherProcesses.inForce
        #expect(seen == (apart ? "[false,false]" : "[true,true]"))
        #expect(try await program.stop() == .code(0))
    }

    @Test func theNetworkIsKeptAwayOrTheFunctionRefused() async throws {
        let gate = try Gate()
        defer { gate.open() }
        try await TestHub.with { hub in
            let code = """
                import socket
                def handle():
                    own = socket.create_server(("127.0.0.1", 0))
                    socket.create_connection(own.getsockname()).close()
                    try:
                        socket.create_connection(("127.0.0.1", \(gate.port)), 5).close()
                        return True
                    except OSError:
                        return False
                """
            _ = try await hub.client.put(.python("open", code))
            #expect(try await hub.client.call("open").text == "true")
            let answer = try await hub.client.put(.python("shut", code, ["network": false]))
            if try await LimitsTests.isolation(hub).network.inForce {
                #expect(answer.status == 201)
                #expect(try await hub.client.call("shut").text == "false")
                #expect(try await !hub.client.status("shut").network)
                #expect(try await hub.client.status("open").network)
            } else {
                #expect(answer.status == 409 && answer.code == "cannot_isolate")
            }
        }
    }

    @Test func aHostThatCannotKeepTheNetworkAwayRefuses() async throws {
        let sandbox = Sandbox(noNetworkOff: "bubblewrap is not installed")
        let store = VersionStore(data: DataFolder(path: "/none"), searchPath: "/bin", sandbox: sandbox)
        var spec = FunctionSpec(
            name: .init(namespace: "demo", name: "f"), runtime: .command, command: ["cat"], network: false)
        let refusal = #expect(throws: HubError.self) { try store.check(spec) }
        #expect(refusal?.status == 409 && refusal?.code == "cannot_isolate")
        #expect(refusal?.message.contains("bubblewrap is not installed") == true)
        let entry = CatalogEntry(spec: spec, sourceDigest: "", version: 1, updated: 0, proven: true)
        await #expect(throws: HubError.self) { _ = try await store.launch(entry) }
        spec.network = nil
        try store.check(spec)
    }

    @Test func whatIsNotThereIsNotClaimed() {
        let bare = SandboxProbe.isolation(
            Sandbox(), .init(facts: ["runs", "openFiles"], reason: "exit code 0"),
            noMounts: "bubblewrap is not installed", noUser: "the hub does not run as root")
        #expect(bare.openFiles.inForce)
        #expect(!bare.files.inForce && !bare.hubData.inForce && !bare.processes.inForce && !bare.disk.inForce)
        #expect(bare.files.how == "bubblewrap is not installed")
        #expect(bare.processes.how == "bubblewrap is not installed, and the hub does not run as root")
        #expect(!bare.otherProcesses.inForce && !bare.cpu.inForce && !bare.network.inForce)
    }

    /// Each means by itself, so that a host with all of them still tries the weaker ones.
    @Test func weakerMeansClaimLess() async throws {
        try await TestHub.with { hub in
            let probe = SandboxProbe(data: DataFolder(path: hub.folder))
            let nothing = try await probe.trial(Sandbox())
            #expect(nothing.works)
            #expect(nothing.facts.isSuperset(of: ["openFiles", "memory", "fileSize"]))
            #expect(
                nothing.facts.isDisjoint(with: ["files", "hubData", "ownProcesses", "ownUser", "processes", "disk"]))
            let missing = try await probe.trial(Sandbox(bubblewrap: "/no/such/bwrap"))
            #expect(!missing.works)
            #expect(missing.reason.contains("/no/such/bwrap cannot be started"))
            guard geteuid() == 0 else { return }
            let user = try await probe.trial(Sandbox(setpriv: "/usr/bin/setpriv"))
            #expect(user.facts.isSuperset(of: ["hubData", "ownUser", "processes"]))
            #expect(user.facts.isDisjoint(with: ["files", "ownProcesses", "disk"]))
        }
    }

    @Test func aDataFolderAmongTheProgramsIsCovered() {
        let program = Sandbox.Program(words: ["prog"], environment: [:], folder: "/opt/data/f", starter: "/s")
        let words = Sandbox(bubblewrap: "/usr/bin/bwrap").command(
            program, limits: .init(), user: 0, hiding: "/opt/data"
        ).arguments
        #expect(words.contains(["--ro-bind-try", "/opt", "/opt", "--tmpfs", "/opt/data", "--remount-ro", "/opt/data"]))
    }

    /// A library that a function names runs as the function, not as what starts it.
    @Test func variablesOfTheLoaderReachTheProgramOnly() throws {
        let program = Sandbox.Program(
            words: ["prog"], environment: ["LD_PRELOAD": "/function/x.so", "A": "b"], folder: "/f", starter: "/s")
        let command = Sandbox(bubblewrap: "/usr/bin/bwrap", setpriv: "/usr/bin/setpriv").command(
            program, limits: .init(), user: 60_001, hiding: "/data")
        #expect(command.environment == ["A": "b"])
        #expect(command.arguments.suffix(4) == ["--", "/usr/bin/env", "LD_PRELOAD=/function/x.so", "prog"])
    }
}
