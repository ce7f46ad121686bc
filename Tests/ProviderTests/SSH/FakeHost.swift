import Foundation
import OsirisModel
import OsirisProviderKit

@testable import ProviderSSH

/// A stand-in for a host: a folder in which the scripts run with stand-ins for the engine and for systemd.
///
/// `calls` has a line for each call of a stand-in. A hub whose configuration holds the word `bad` never becomes ready.
final class FakeHost: Sendable {
    let files: TemporaryFolder
    var folder: String { files.path + "/osiris" }
    private let isSystemd: Bool

    private static let engine = #"""
        #!/bin/sh
        d=$(dirname "$0")/..
        echo "podman $*" >>"$d/calls"
        case "$1" in
        exec)
            [ -e "$d/running" ] || exit 1
            case "$*" in
            *healthcheck*) ! grep -q bad "$d/osiris/data/hub.json" ;;
            *) echo "osiris-hub 1.0.0" ;;
            esac ;;
        image) grep -qxF "$3" "$d/store" 2>/dev/null ;;
        pull) [ "$3" != gone ] || { echo "manifest unknown" >&2; exit 125; }; echo "$3" >>"$d/store" ;;
        load) cat "$d/brings" >>"$d/store" ;;
        rmi) grep -vxF "$2" "$d/store" >"$d/store.new"; mv "$d/store.new" "$d/store" ;;
        container) [ -e "$d/running" ] ;;
        stop | rm) rm -f "$d/running" ;;
        run) touch "$d/running" ;;
        version) echo 4.3.1 ;;
        logs) echo "the hub's last words" ;;
        esac
        """#
    private static let systemctl = #"""
        #!/bin/sh
        d=$(dirname "$0")/..
        echo "systemctl $*" >>"$d/calls"
        case "$*" in
        *restart*) touch "$d/running" ;;
        *stop*osiris-hub) rm -f "$d/running" ;;
        *show*) grep -q bad "$d/osiris/data/hub.json" && echo 1 || echo 0 ;;
        esac
        """#

    init(isSystemd: Bool = true) throws {
        files = try TemporaryFolder()
        self.isSystemd = isSystemd
        let programs = [
            "podman": Self.engine, "systemctl": Self.systemctl,
            "systemd-run": "#!/bin/sh\necho armed >>$(dirname $0)/../calls",
            "journalctl": "#!/bin/sh\necho \"the hub's last words\"", "chown": "#!/bin/sh",
            "docker": "#!/bin/sh\nexit 1",
        ]
        for (name, text) in programs {
            try files.write(program: text + "\n", to: "bin/\(name)")
        }
        try files.write("", to: isSystemd ? "run/systemd/system/there" : "run/nothing")
        try files.write("", to: "etc/nothing")
    }

    var calls: [String] { files.text("calls").split(separator: "\n").map(String.init) }
    var isRunning: Bool { FileManager.default.fileExists(atPath: files.path + "/running") }
    func text(_ name: String) -> String { files.text("osiris/" + name) }

    struct End: Equatable {
        var status: Int32
        var output: String
        var errors: String
    }

    /// A script as it is sent to a host, but for the folders of systemd and of package programs, which are in `files`.
    func start(
        _ script: HostScript, _ arguments: [String] = [], _ payload: HostPayload = HostPayload(),
        cluster: String = "edge",
        lineage: String = "l", lock: Int = 1
    ) throws -> (Process, Task<End, any Error>) {
        try start(script, arguments, bytes: payload.bytes, cluster: cluster, lineage: lineage, lock: lock)
    }

    private func start(
        _ script: HostScript, _ arguments: [String], bytes: [UInt8], cluster: String, lineage: String, lock: Int
    ) throws -> (Process, Task<End, any Error>) {
        try start(script.text, [folder, cluster, "rack/host.n01", lineage, String(lock)] + arguments, bytes)
    }

    /// Any script, with stand-ins for the folders of systemd and of osiris.
    private func start(_ script: String, _ words: [String], _ bytes: [UInt8]) throws -> (
        Process, Task<End, any Error>
    ) {
        let text = script.replacing("/etc/systemd/system/", with: files.path + "/etc/")
            .replacing("/run/systemd/system", with: files.path + "/run/systemd/system")
            .replacing("='/var/lib/osiris'", with: "='\(folder)'")
            .replacing("/etc/apt/", with: files.path + "/etc/apt/")
            .replacing("/var/lib/cloud/", with: files.path + "/cloud/")
            .replacing("/etc/yum.repos.d/", with: files.path + "/etc/yum.repos.d/")
            .replacing("=/etc/pki/", with: "=\(files.path)/etc/pki/")
        let process = Process()
        // In a process group of its own, so that a kill takes what it has started.
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", text, "sh"] + words
        process.environment = ["PATH": files.path + "/bin:/usr/bin:/bin"]
        let (input, output, errors) = (files.path + "/in-" + UUID().uuidString, Pipe(), Pipe())
        try Data(bytes).write(to: URL(fileURLWithPath: input))
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: input))
        process.standardOutput = output
        process.standardError = errors
        let (ended, end) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            end.yield($0.terminationStatus)
            end.finish()
        }
        try process.run()
        let said = Said(output)
        let complained = Said(errors)
        return (
            process,
            Task {
                var status: Int32 = -1
                for await found in ended { status = found }
                return End(status: status, output: await said.text, errors: await complained.text)
            }
        )
    }

    func run(
        _ script: HostScript, _ arguments: [String] = [], _ payload: HostPayload = HostPayload(),
        cluster: String = "edge",
        lineage: String = "l", lock: Int = 1
    ) async throws -> End {
        try await start(script, arguments, payload, cluster: cluster, lineage: lineage, lock: lock).1.value
    }

    /// What a machine does at its first start.
    func boot(_ script: String) async throws -> End { try await start(script, [], []).1.value }

    /// With an input that may be no whole payload.
    func run(_ script: HostScript, bytes: [UInt8]) async throws -> End {
        try await start(script, [], bytes: bytes, cluster: "edge", lineage: "l", lock: 1).1.value
    }

    /// A pipe's text, read to its end on a thread of its own.
    private struct Said: Sendable {
        private let task: Task<String, Never>
        var text: String { get async { await task.value } }

        init(_ pipe: Pipe) {
            let handle = pipe.fileHandleForReading
            let (texts, found) = AsyncStream.makeStream(of: String.self)
            Thread.detachNewThread {
                found.yield(String(decoding: handle.readDataToEndOfFile(), as: UTF8.self))
                found.finish()
            }
            task = Task {
                var all = ""
                for await text in texts { all += text }
                return all
            }
        }
    }

    // MARK: What is sent

    static func marker(_ type: String, operation: String = "o") -> String {
        #"{"address":"rack/\#(type).n01","attributes":{},"cluster":"edge","lineage":"l","operation":"\#(operation)"}"#
    }

    static func payload(_ files: KeyValuePairs<String, String>) -> HostPayload {
        var payload = HostPayload()
        for (name, text) in files { payload.add(name, text) }
        return payload
    }

    /// Marks the host, as every other script wants it.
    func adopt() async throws -> End { try await run(.host, [], Self.payload(["host.json": Self.marker("host")])) }

    func hub(
        _ config: String, confirm: Int = 0, version: String = "1.0.0", operation: String = "o", lock: Int = 1
    ) async throws -> End {
        let (_, end) = try startHub(config, confirm: confirm, version: version, operation: operation, lock: lock)
        return try await end.value
    }

    func startHub(
        _ config: String, confirm: Int = 0, version: String = "1.0.0", operation: String = "o", lock: Int = 1
    ) throws -> (Process, Task<End, any Error>) {
        try start(
            .hub, ["podman", version, String(confirm)],
            Self.payload([
                "config": config, "unit": "[Service]\n", "run": "run\n--detach\n", "user": "65532",
                "tls": "key of \(config)",
                "hub.json": Self.marker("hub", operation: operation), "revert": HostScript.hubRevert.text,
            ]), lock: lock)
    }
}
