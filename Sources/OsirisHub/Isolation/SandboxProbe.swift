import Foundation
import Synchronization

/// Finds out by trials what of `Sandbox` works on this host.
struct SandboxProbe: Sendable {
    let data: DataFolder

    /// Longest trial.
    private static let patience = Duration.seconds(10)
    private static let trialLimits = FunctionSpec.Limits(
        memoryBytes: 1 << 28, processes: 12, openFiles: 32, diskBytes: 1 << 20)

    /// What a trial showed.
    struct Trial: Sendable, Equatable {
        /// The first words of the lines it wrote.
        var facts: Set<String>
        /// What it said last on stderr, or how it ended.
        var reason: String

        var works: Bool { facts.contains("runs") }
    }

    /// The strongest sandbox that works, and what it keeps.
    func run() async throws -> (sandbox: Sandbox, isolation: Isolation) {
        let root = geteuid() == 0
        let bubblewrap = Self.find("bwrap")
        let setpriv = root ? Self.find("setpriv") : nil
        var noMounts = bubblewrap == nil ? "bubblewrap is not installed" : ""
        var noUser = root ? "setpriv is not installed" : "the hub does not run as root"
        var candidates: [Sandbox] = []
        if bubblewrap != nil {
            if setpriv != nil { candidates.append(Sandbox(bubblewrap: bubblewrap, setpriv: setpriv)) }
            if !root { candidates.append(Sandbox(bubblewrap: bubblewrap)) }
        }
        if setpriv != nil { candidates.append(Sandbox(setpriv: setpriv)) }
        candidates.append(Sandbox())
        let groups = try await controlGroups()
        for candidate in candidates {
            var sandbox = candidate
            sandbox.groups = groups
            sandbox.nice = Self.find("nice")
            let trial = try await self.trial(sandbox)
            if trial.works || (sandbox.bubblewrap == nil && sandbox.setpriv == nil) {
                sandbox.noNetworkOff = try await noNetworkOff(sandbox, noMounts: noMounts)
                return (sandbox, Self.isolation(sandbox, trial, noMounts: noMounts, noUser: noUser))
            }
            if sandbox.bubblewrap != nil { noMounts = "bubblewrap does not work here: \(trial.reason)" }
            if sandbox.bubblewrap == nil, sandbox.setpriv != nil {
                noUser = "another user cannot run functions here: \(trial.reason)"
            }
        }
        throw StartFailure("No way to start a function was tried.")
    }

    /// The control groups that work, after what an earlier hub left in them is gone.
    private func controlGroups() async throws -> ControlGroups {
        let data = data.realPath
        let groups = try await BlockingWork.run {
            let found = ControlGroups.locate(for: data)
            found.sweep()
            return found.prepared()
        }
        let group = groups.group(Self.trialLimits, besides: 0)
        let words = group.joining(["/bin/echo", "runs"])
        let command = ChildProcess.Command(
            program: words[0], arguments: Array(words.dropFirst()), environment: [:], folder: "/")
        let trial = try await Self.outcome(of: command, in: group)
        if trial.works { return groups }
        let reason = "no process can be put into a control group: \(trial.reason)"
        return ControlGroups(missing: groups.missing.merging(groups.places.mapValues { _ in reason }) { $1 })
    }

    /// Nil if a program can be started that sees no network but its own loopback, else why not.
    private func noNetworkOff(_ sandbox: Sandbox, noMounts: String) async throws -> String? {
        guard sandbox.bubblewrap != nil else { return noMounts }
        let script = #"test -r /proc/net/dev && ! grep ':' /proc/net/dev | grep -qv '^ *lo:' && echo runs"#
        let program = Sandbox.Program(
            words: ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"], folder: data.bootstrap,
            starter: starter)
        let user = try await BlockingWork.run { try InstanceUsers().take() }
        let command = sandbox.command(
            program, limits: Self.trialLimits, network: false, user: user, hiding: data.realPath)
        let trial = try await Self.outcome(of: command, in: nil)
        return trial.works ? nil : "bubblewrap cannot keep the network away here: \(trial.reason)"
    }

    private var starter: String { data.starter(of: Python3()) }

    /// Runs a small script behind a sandbox. It tries what the limits forbid.
    func trial(_ sandbox: Sandbox) async throws -> Trial {
        let script = """
            if test -r "$1"; then echo runs; else echo "$1 cannot be read" >&2; fi
            test "$(ulimit -n)" = 32 && echo openFiles
            test "$(ulimit -v)" = 262144 && echo memory
            test "$(ulimit -f)" = 2048 && echo fileSize
            cat "$2/catalog.db" >/dev/null 2>&1 || cat "$2/hub.json" >/dev/null 2>&1 || echo hubData
            ls "$2/functions/" >/dev/null 2>&1 || echo files
            test "$(readlink /proc/self/ns/pid)" != "$3" && echo ownProcesses
            test "$(id -u)" = "$4" && echo ownUser
            if test -n "$5"; then
              for n in 1 2 3; do head -c 600000 /dev/zero >"/tmp/$n" || { echo disk; break; }; done 2>/dev/null
            fi
            (for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 5 & done; exit 0) 2>/dev/null || echo processes
            """
        let user = try await BlockingWork.run { try InstanceUsers().take() }
        let space = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? ""
        let words = [
            "/bin/sh", "-c", script, "sh", sandbox.path(ofStarter: starter), data.realPath, space, String(user),
            sandbox.bubblewrap ?? "",
        ]
        let program = Sandbox.Program(
            words: words, environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"], folder: data.bootstrap,
            starter: starter)
        let group = sandbox.group(Self.trialLimits)
        let command = sandbox.command(
            program, limits: Self.trialLimits, group: group, user: user, hiding: data.realPath)
        return try await Self.outcome(of: command, in: group)
    }

    private static func outcome(of command: ChildProcess.Command, in group: ControlGroup?) async throws -> Trial {
        do {
            try await BlockingWork.run { try group?.make() }
            let trial = try await outcome(of: command)
            _ = try await BlockingWork.run { group?.end() }
            return trial
        } catch let failure as StartFailure {
            return Trial(facts: [], reason: "\(failure)")
        }
    }

    private static func outcome(of command: ChildProcess.Command) async throws -> Trial {
        let (ends, ended) = AsyncStream.makeStream(of: ProcessEnd.self)
        let launched: (process: ChildProcess, pipes: ChildProcess.Pipes)
        do {
            launched = try await ChildProcess.launch(command) { end in
                ended.yield(end)
                ended.finish()
            }
        } catch {
            return Trial(facts: [], reason: "\(command.program) cannot be started: \(error)")
        }
        let said = Mutex((facts: Set<String>(), last: ""))
        let process = launched.process
        let timer = Task {
            try await Task.sleep(for: patience)
            process.signal(SIGKILL)
        }
        close(launched.pipes.input)
        let output = try await PipeLines.follow(launched.pipes.output, limit: 4096) { line in
            _ = said.withLock { $0.facts.insert(String(decoding: line, as: UTF8.self)) }
            return 0
        }
        let errors = try await PipeLines.follow(launched.pipes.error, limit: 4096) { line in
            if !line.isEmpty { said.withLock { $0.last = String(decoding: line, as: UTF8.self) } }
            return 0
        }
        var reason = ""
        for await end in ends { reason = "\(end)" }
        timer.cancel()
        for channel in [output, errors] { try? await channel.closeFuture.get() }
        return said.withLock { Trial(facts: $0.facts, reason: $0.last.isEmpty ? reason : $0.last) }
    }

    /// A program in the system's own folders: `PATH` may lead to one that is not.
    private static func find(_ name: String) -> String? {
        ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"].map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static func isolation(_ sandbox: Sandbox, _ trial: Trial, noMounts: String, noUser: String) -> Isolation {
        func claim(_ fact: String, _ means: String, else reason: String) -> Isolation.Claim {
            trial.facts.contains(fact) ? .init(inForce: true, how: means) : .init(inForce: false, how: reason)
        }
        let failed = "the trial at the hub's start failed: \(trial.reason)"
        let neither = "\(noMounts), and \(noUser)"
        let mounts = sandbox.bubblewrap != nil
        let user = trial.facts.contains("ownUser") && sandbox.setpriv != nil
        let apart = mounts ? failed : neither
        return Isolation(
            memory: memory(sandbox, trial, failed),
            processes: processes(sandbox, trial, user: user, else: apart),
            openFiles: claim("openFiles", "rlimit of each process", else: failed),
            fileSize: claim("fileSize", "rlimit of each process", else: failed),
            disk: claim(
                "disk", "read-only mounts; /tmp and /dev/shm are in memory and bounded",
                else: mounts ? failed : noMounts),
            cpu: cpu(sandbox),
            files: claim("files", "mounts of its own (bubblewrap)", else: mounts ? failed : noMounts),
            hubData: claim(
                "hubData", mounts ? "mounts of its own (bubblewrap)" : "a user of its own", else: apart),
            otherProcesses: claim(
                trial.facts.contains("ownProcesses") ? "ownProcesses" : "ownUser",
                mounts ? "process ids of its own (bubblewrap)" : "a user of its own", else: apart),
            network: .init(
                inForce: sandbox.noNetworkOff == nil && mounts,
                how: sandbox.noNetworkOff
                    ?? (mounts ? "a network of its own (bubblewrap), for network: false" : noMounts)))
    }

    private static func processes(
        _ sandbox: Sandbox, _ trial: Trial, user: Bool, else reason: String
    ) -> Isolation.Claim {
        guard trial.facts.contains("processes") else {
            let groups = sandbox.groups.missing[.pids].map { ", and no control group counts them: \($0)" } ?? ""
            return .init(inForce: false, how: reason + groups)
        }
        if sandbox.groups.places[.pids] != nil { return .init(inForce: true, how: "control group of its own") }
        return .init(
            inForce: true, how: user ? "rlimit for a user of its own" : "rlimit in a user namespace")
    }

    private static func memory(_ sandbox: Sandbox, _ trial: Trial, _ failed: String) -> Isolation.Claim {
        if sandbox.groups.places[.memory] != nil {
            let most = FunctionSpec.Limits.usualMemoryBytes
            return .init(
                inForce: true, how: "control group of its own: all its processes together, \(most) bytes unless told")
        }
        guard trial.facts.contains("memory") else { return .init(inForce: false, how: failed) }
        return .init(
            inForce: true,
            how: "rlimit on the address space of each process, if limits.memory is set; no control group holds it: "
                + (sandbox.groups.missing[.memory] ?? "none was looked for"))
    }

    private static func cpu(_ sandbox: Sandbox) -> Isolation.Claim {
        if sandbox.groups.places[.cpu] != nil {
            return .init(inForce: true, how: "control group of its own: equal shares, and limits.cpu as its most")
        }
        let why = sandbox.groups.missing[.cpu] ?? "none was looked for"
        return .init(
            inForce: false,
            how: "no control group holds it: \(why). Functions run at a lower priority than the hub, and a call that "
                + "never ends is killed at its timeout")
    }
}
