import Foundation
import OsirisModel
import Testing

@testable import ProviderSSH

/// The probe script in the shells that hosts have.
@Suite struct ProbeTests {
    static let shells = [["dash"], ["bash"], ["bash", "--posix"], ["busybox", "sh"]]

    private static func run(
        _ shell: [String], _ folder: String, path: String = "", environment: [String: String] = [:]
    ) async throws -> (HostFacts?, output: [UInt8]) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let script = String(decoding: PackageResources.probe_sh, as: UTF8.self)
        process.arguments = shell + ["-c", script, "sh", folder]
        process.environment = environment.merging(["PATH": path + "/usr/bin:/bin", "LANG": "C.UTF-8"]) { $1 }
        process.standardOutput = output
        let began = Date().timeIntervalSince1970
        let bytes: [UInt8] = try await withCheckedThrowingContinuation { waiter in
            Thread.detachNewThread {
                do {
                    try process.run()
                    waiter.resume(returning: Array(output.fileHandleForReading.readDataToEndOfFile()))
                } catch { waiter.resume(throwing: error) }
            }
        }
        return (HostFacts(bytes, began: began, ended: Date().timeIntervalSince1970), bytes)
    }

    private static func folder(_ files: [String: String] = [:]) throws -> String {
        let folder = FileManager.default.temporaryDirectory.path + "/osiris-probe-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, text) in files {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder)/\(name)")
            ProgramFile.awaitClosed("\(folder)/\(name)")
        }
        return folder
    }

    @Test(arguments: shells) func itTellsWhatThisMachineIs(_ shell: [String]) async throws {
        let found = try await Self.run(shell, "/nonexistent/osiris")
        let facts = try #require(found.0, "\(String(decoding: found.output, as: UTF8.self))")
        var name = utsname()
        uname(&name)
        func text(_ bytes: some Any) -> String {
            withUnsafeBytes(of: bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        #expect(facts.arch == text(name.machine) && facts.kernel == text(name.release))
        #expect(facts.hostname == text(name.nodename))
        let release = try String(contentsOfFile: "/etc/os-release", encoding: .utf8)
        #expect(release.contains("ID=\(facts.os.id)") && facts.packages == "apt-get")
        #expect(facts.memory.map { $0 > 1 << 28 } == true && facts.cpus.map { $0 > 0 } == true)
        #expect(facts.diskFree.map { $0 > 0 } == true && facts.disk.map { $0 > facts.diskFree ?? 0 } == true)
        #expect(facts.skew == 0 && facts.markers.isEmpty && !facts.isFolderUnreadable && facts.hub == nil)
        #expect(facts.rights.text == (geteuid() == 0 ? "root" : "none"))
    }

    @Test(arguments: shells) func itBringsTheFilesOfOsiris(_ shell: [String]) async throws {
        let host = #"{"cluster":"edge","address":"rack-a/host.n1","text":"\"quoted\" \\ äöü"}"# + "\n"
        let folder = try Self.folder([
            "host.json": host, "hub.json": "{}\n{}\n", "fence": "lineage 7\n", "other": "x\n",
        ])
        let facts = try await #require(Self.run(shell, folder).0)
        #expect(facts.markers["host"] == Array(host.utf8))
        #expect(facts.markers["hub"] == Array("{}\n{}\n".utf8))
        #expect(facts.markers["fence"] == Array("lineage 7\n".utf8))
        #expect(facts.markers.count == 3)
        // One file alone has its name before its lines too.
        let single = try Self.folder(["host.json": host])
        #expect(try await Self.run(shell, single).0?.markers == ["host": Array(host.utf8)])
        #expect(try await Self.run(shell, Self.folder()).0?.markers == [:])
    }

    @Test(arguments: shells) func itKnowsTheEngines(_ shell: [String]) async throws {
        let tools = try Self.folder([
            "podman": "#!/bin/sh\necho asked >> \"$(dirname \"$0\")/log\"\necho podman version 4.3.1\n",
            "docker": "#!/bin/sh\necho 'Docker version 20.10.24+dfsg1, build 297e128'\n",
        ])
        let folder = try Self.folder()
        let facts = try await #require(Self.run(shell, folder, path: tools + ":").0)
        #expect(facts.engines["podman"]?.version == "4.3.1" && facts.engines["docker"]?.version == "20.10.24")
        #expect(facts.engines["podman"]?.path == tools + "/podman" && facts.engineVersion == "4.3.1")
        // A note about the very program saves asking; about another one it does not.
        let stamp = try #require(facts.engines["podman"]?.stamp)
        for (note, version) in [("podman \(stamp) 9.9\n", "9.9"), ("podman 1:1 9.9\n", "4.3.1")] {
            try note.write(toFile: folder + "/engine.stat", atomically: true, encoding: .utf8)
            #expect(try await Self.run(shell, folder, path: tools + ":").0?.engines["podman"]?.version == version)
        }
        #expect(try String(contentsOfFile: tools + "/log", encoding: .utf8) == "asked\nasked\n")
        // podman in disguise.
        let disguise = try Self.folder(["docker": "#!/bin/sh\necho podman version 4.3.1\n"])
        #expect(try await Self.run(shell, folder, path: disguise + ":").0?.engines["docker"] == nil)
    }

    @Test(arguments: shells) func itSeesWhoListens(_ shell: [String]) async throws {
        let python = Process()
        let output = Pipe()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = [
            "python3", "-c",
            "import socket,time; s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True); time.sleep(600)",
        ]
        python.standardOutput = output
        try python.run()
        defer { kill(python.processIdentifier, SIGKILL) }
        let words: Data = await withCheckedContinuation { waiter in
            Thread.detachNewThread { waiter.resume(returning: output.fileHandleForReading.availableData) }
        }
        let port = try #require(
            Int(String(decoding: words, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)))
        let facts = try await #require(Self.run(shell, "/nonexistent").0)
        #expect(facts.listening[port]?.hasPrefix("python3") == true)
        // With a hub there nobody needs to know.
        let hub = try Self.folder(["hub.json": "{}\n"])
        #expect(try await Self.run(shell, hub).0?.listening[port] == "")
    }

    @Test func sudoAndDoasAreTold() async throws {
        try #require(geteuid() == 0)
        for (name, way) in [("SUDO_USER", "sudo"), ("DOAS_USER", "doas"), ("OTHER", "root")] {
            #expect(try await Self.run(["dash"], "/nonexistent", environment: [name: "ada"]).0?.rights.text == way)
        }
    }

    @Test func clocksAreComparedWithTheWayInMind() {
        func skew(_ clock: Int, _ began: Double, _ ended: Double) -> Int? {
            HostFacts(Array("{\"arch\":\"x\",\"listening\":{},\"clock\":\(clock)}".utf8), began: began, ended: ended)?
                .skew
        }
        #expect(skew(1000, 1000.5, 1001) == 0 && skew(1000, 990, 1002) == 0 && skew(1000, 1000.9, 1000.95) == 0)
        #expect(skew(1100, 1000, 1010) == 90 && skew(900, 1000, 1010) == -99)
        #expect(HostFacts(Array("welcome!\n{}".utf8), began: 0, ended: 0) == nil)
    }
}
