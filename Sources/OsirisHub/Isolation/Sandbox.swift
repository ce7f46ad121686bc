import Foundation

/// What stands between an instance and the rest of the machine, and how a program is started behind it.
///
/// The chain is `sh … nice … bwrap … sh … setpriv … program`, as far as the host has these: the first shell goes into
/// the control group, bubblewrap gives mounts and process ids of its own, the second shell sets resource limits, setpriv
/// changes to a user of its own. `SandboxProbe` finds out which of them work. Plain: it starts nothing.
struct Sandbox: Sendable {
    /// What is started, and with what.
    struct Program: Sendable {
        var words: [String]
        var environment: [String: String]
        /// The working folder, on the host.
        var folder: String
        /// A file the program may read besides its folder, on the host.
        var starter: String
        /// A folder of secrets that only the program may read, on the host; nil for none.
        var secrets: String?
        /// A folder the program may read besides its own, on the host; nil for none.
        var dependencies: String?
        /// A folder the program may write, on the host; nil for none.
        var output: String?
        /// False for a program that would not live with a bound on its address space.
        var fitsAddressSpace = true
    }

    /// What the shell says on stdout right before it becomes the program.
    static let started = Array("osiris: started".utf8)
    /// Where the working folder is behind bubblewrap.
    private static let inside = "/function"
    /// Where `Program.starter` is behind bubblewrap.
    private static let insideStarter = "/starter"
    /// Where `Program.secrets` is behind bubblewrap.
    private static let insideSecrets = "/run/secrets"
    /// Where `Program.dependencies` is behind bubblewrap.
    private static let insideDependencies = "/dependencies"
    /// Where `Program.output` is behind bubblewrap.
    private static let insideOutput = "/output"
    /// The host's folders that hold programs and what these need to run. All else is hidden.
    private static let system = [
        "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/run/systemd/resolve",
    ]

    /// Absolute path of `bwrap`; nil to do without.
    var bubblewrap: String?
    /// Absolute path of `setpriv`; nil to run as the hub's user.
    var setpriv: String?
    /// Absolute path of `nice`; nil to run at the hub's priority.
    var nice: String?
    /// Control groups for instances.
    var groups = ControlGroups()
    /// Nil if an instance can be kept from the network, else why not.
    var noNetworkOff: String?
    /// False where a bound on processes would count those of the hub's user as well.
    var boundsProcesses: Bool { bubblewrap != nil || setpriv != nil }

    /// Where the program finds its starter.
    func path(ofStarter starter: String) -> String { bubblewrap == nil ? starter : Self.insideStarter }

    /// Where the program finds `Program.dependencies`.
    func path(ofDependencies folder: String) -> String { bubblewrap == nil ? folder : Self.insideDependencies }

    /// Where the program finds `Program.output`.
    func path(ofOutput folder: String) -> String { bubblewrap == nil ? folder : Self.insideOutput }

    /// Where the program finds its working folder.
    func path(ofFolder folder: String) -> String { bubblewrap == nil ? folder : Self.inside }

    /// Where the program finds its folder of secrets.
    func path(ofSecrets folder: String) -> String { bubblewrap == nil ? folder : Self.insideSecrets }

    /// A control group for one instance. It is not made yet.
    func group(_ limits: FunctionSpec.Limits) -> ControlGroup {
        // bubblewrap has a process outside and one inside.
        groups.group(limits, besides: bubblewrap == nil ? 0 : 2)
    }

    /// How to start a program.
    /// - Parameters:
    ///   - group: made before the program is started.
    ///   - network: false for nothing but a loopback of its own, which needs bubblewrap.
    ///   - user: user and group id, used when there is `setpriv`.
    ///   - data: the hub's data folder, without symbolic links.
    func command(
        _ program: Program, limits: FunctionSpec.Limits, group: ControlGroup? = nil, network: Bool = true,
        user: UInt32, hiding data: String
    ) -> ChildProcess.Command {
        var environment = program.environment
        var words = program.words
        if bubblewrap != nil || setpriv != nil {
            // These make the loader run foreign code, which must not happen before the program's own user is set.
            let early = environment.filter { Self.isForLoader($0.key) }
            for key in early.keys { environment[key] = nil }
            let pairs = early.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            if !pairs.isEmpty { words = ["/usr/bin/env"] + pairs + words }
        }
        if let setpriv {
            words =
                [setpriv, "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]
                + ["--"] + words
        }
        words = ["/bin/sh", "-c", script(limits, group, fits: program.fitsAddressSpace), "sh"] + words
        if let bubblewrap {
            let apart = network ? [] : ["--unshare-net"]
            words = [bubblewrap] + apart + mounts(program, limits: limits, hiding: data) + ["--"] + words
        }
        // In a group of its own it has its share; else the hub goes first.
        if group?.places[.cpu] == nil, let nice { words = [nice, "-n", "5"] + words }
        if let group, !group.places.isEmpty { words = group.joining(words) }
        return ChildProcess.Command(
            program: words[0], arguments: Array(words.dropFirst()), environment: environment, folder: program.folder)
    }

    /// True for a variable that has the C library's loader read or run something.
    static func isForLoader(_ variable: String) -> Bool {
        variable.hasPrefix("LD_") || ["GLIBC_TUNABLES", "GCONV_PATH"].contains(variable)
    }

    /// posix_spawn cannot set limits; the shell can, and then becomes the program. A limit that cannot be set ends it.
    /// What the control group holds is left to it.
    private func script(_ limits: FunctionSpec.Limits, _ group: ControlGroup?, fits: Bool) -> String {
        var steps = ["ulimit -c 0", "ulimit -n \(limits.mostOpenFiles)"]
        // In units of 512 bytes (POSIX).
        steps.append("ulimit -f \((limits.mostDiskBytes + 511) / 512)")
        // The number of processes is -u in bash and busybox and -p in dash.
        if boundsProcesses, group?.places[.pids] == nil {
            steps.append("{ ulimit -u \(limits.mostProcesses) 2>/dev/null || ulimit -p \(limits.mostProcesses); }")
        }
        if let bytes = limits.memoryBytes, fits, group?.places[.memory] == nil {
            steps.append("ulimit -v \(bytes / 1024)")
        }
        let word = String(decoding: Self.started, as: UTF8.self)
        return steps.joined(separator: " && ") + #" && echo "\#(word)" && exec "$@""#
    }

    private func mounts(_ program: Program, limits: FunctionSpec.Limits, hiding data: String) -> [String] {
        let scratch = ["--perms", "1777", "--size", String(limits.mostDiskBytes), "--tmpfs"]
        var words = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--cap-drop", "ALL"]
        // Only what setpriv needs, which gives it up.
        if setpriv != nil { words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] }
        for path in Self.system {
            if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
                words += ["--symlink", target, path]
            } else {
                words += ["--ro-bind-try", path, path]
            }
            if data.hasPrefix(path + "/") { words += ["--tmpfs", data, "--remount-ro", data] }
        }
        words += ["--dev", "/dev"] + scratch + ["/dev/shm", "--remount-ro", "/dev", "--proc", "/proc"]
        words += scratch + ["/tmp", "--ro-bind", program.folder, Self.inside]
        words += ["--ro-bind", program.starter, Self.insideStarter]
        if let secrets = program.secrets {
            // A parent that bubblewrap makes by itself is as closed as what it is for.
            words += ["--dir", "/run", "--ro-bind", secrets, Self.insideSecrets]
        }
        if let dependencies = program.dependencies {
            words += ["--ro-bind", dependencies, Self.insideDependencies]
            // Node looks for ES modules beside the source and in the folders around it, and nowhere else.
            words += ["--ro-bind-try", "\(dependencies)/node_modules", "/node_modules"]
        }
        if let output = program.output { words += ["--bind", output, Self.insideOutput] }
        return words + ["--chdir", Self.inside, "--remount-ro", "/"]
    }
}
