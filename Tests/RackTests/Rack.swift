import Foundation
import Testing

/// Real hosts (Tests/Rack, docs/rack.md), booted for the first test that asks and gone with this process.
///
/// Each suite has hosts of its own, and most of a test's time is waiting for them: the suites run side by side.
struct Rack: Sendable {
    struct Host: Decodable, Sendable {
        var name: String
        var number: Int
        var address: String
        var traits: [String]
    }

    private struct Notes: Decodable {
        var hosts: [Host]
        var password: String
        var identity: String
        var knownHosts: String
        var bridge: String
        var gateway: String
        var trees: String
    }

    static let needs = "booting hosts needs root, and the right to make namespaces"

    static func isPossible() async throws -> Bool {
        guard geteuid() == 0 else { return false }
        let made = try Program.Running(
            ["--net", "--mount", "--pid", "--fork", "true"], program: "/usr/bin/unshare", in: Program.root)
        return try await made.wait().status == 0
    }

    private static let booted = Task { try await Rack() }
    static var shared: Rack { get async throws { try await booted.value } }

    let folder: URL
    private let hosts: [String: Host]
    /// Of `ops`, for logins and sudo.
    let password: String
    let identity: String
    let knownHosts: String
    let bridge: String
    /// This machine's address for the hosts.
    let gateway: String
    /// An address next to the hosts' that nobody has.
    let freeAddress: String
    /// Every package that hosts can be given.
    let packages: URL

    private static let python = "/usr/bin/env"
    private static var script: String { Program.root.appendingPathComponent("Tests/Rack/rack.py").path }

    private init() async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("osiris-rack-\(getpid())")
        let traits = [
            // RackTests
            "r1-n01:podman", "r1-n02:podman", "r1-n03:podman,sudo-password", "r1-n04:docker", "bare:",
            // RolloutRackTests
            "r2-n01:podman", "r2-n02:podman", "r2-n03:podman,sudo-password", "r2-n04:docker",
            // LifeRackTests
            "r3-n01:podman", "r3-n02:podman", "r3-n03:podman",
            // CloudRackTests
            "c1:cloud", "c2:cloud", "c3:cloud", "c4:cloud",
            // OddRackTests
            "small:podman,disk=3G", "bastion:bastion", "inner:podman,inner", "doas:podman,doas",
            "no-sudo:podman,no-sudo", "plain:", "password:podman,password", "sealed:no-packages",
        ]
        let answer = try await Program.Running(
            ["python3", Self.script, "up", "--hosts", "0", "--until", "\(getpid())", "--folder", folder.path]
                + traits.flatMap { ["--host", $0] },
            program: Self.python, in: Program.root
        ).wait()
        try #require(answer.status == 0, "\(answer)")
        let notes = try JSONDecoder().decode(
            Notes.self, from: Data(contentsOf: folder.appendingPathComponent("rack.json")))
        hosts = Dictionary(uniqueKeysWithValues: notes.hosts.map { ($0.name, $0) })
        (password, identity, knownHosts, bridge) = (notes.password, notes.identity, notes.knownHosts, notes.bridge)
        gateway = notes.gateway
        freeAddress = notes.gateway + "99"
        packages = URL(fileURLWithPath: notes.trees).appendingPathComponent("packages")
    }

    func host(_ name: String) throws -> Host { try #require(hosts[name], "the rack has no host \(name)") }

    /// Runs a command of rack.py on a host: cut, boot, reboot, fill …
    func act(_ command: String, _ words: String...) async throws {
        let answer = try await Program.Running(
            ["python3", Self.script, command, "--folder", folder.path] + words, program: Self.python, in: Program.root
        ).wait()
        try #require(answer.status == 0, "\(answer)")
    }

    /// What a shell script prints that root runs on the host, without SSH.
    @discardableResult
    func on(_ name: String, _ script: String) async throws -> String {
        let answer = try await Program.Running(
            ["python3", Self.script, "exec", "--folder", folder.path, name, "--", "sh", "-c", script],
            program: Self.python, in: Program.root
        ).wait()
        try #require(answer.status == 0, "\(name): \(script)\n\(answer)")
        return answer.out.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Ends when the host's hub is ready; fails after a minute.
    static let ready = """
        for engine in podman docker; do command -v $engine >/dev/null && break; done
        i=0
        until $engine exec osiris-hub osiris-hub healthcheck --data /data 2>/dev/null; do
            i=$((i + 1)); [ $i -lt 300 ] || exit 1; sleep 0.2
        done
        """

    /// How often somebody logged in, and how often a session began to do something, since the host booted.
    func traffic(_ name: String) async throws -> (logins: Int, sessions: Int) {
        // The journal takes a line a moment after sshd wrote it.
        let text = try await on(
            name,
            """
            journalctl --sync
            log=$(journalctl --boot --quiet --output=cat --identifier=sshd)
            echo "$log" | grep -c '^Accepted [a-z]* for ' || true
            echo "$log" | grep -c '^Starting session: ' || true
            """)
        let counts = text.split(separator: "\n").compactMap { Int($0) }
        try #require(counts.count == 2, "\(text)")
        return (counts[0], counts[1])
    }

    /// Bytes that a host was sent by all others.
    func sent(to name: String) throws -> Int {
        let card = "\(bridge)v\(try host(name).number)"
        let text = try String(contentsOfFile: "/sys/class/net/\(card)/statistics/tx_bytes", encoding: .utf8)
        return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// Takes away what another test left, but not the engine and its images: so tests need not tidy up, and only those that
    /// are about it send and load the hub's image again, which is most of what a first apply does.
    func clean(_ names: String...) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names {
                group.addTask {
                    try await on(
                        name,
                        """
                        for unit in osiris-revert.timer osiris-hub; do systemctl disable --quiet --now $unit 2>/dev/null; done
                        rm -f /etc/systemd/system/osiris-hub.service
                        systemctl daemon-reload
                        for engine in podman docker; do
                            if command -v $engine >/dev/null; then $engine rm --force osiris-hub >/dev/null 2>&1; fi
                        done
                        rm -rf /var/lib/osiris
                        """)
                }
            }
            try await group.waitForAll()
        }
    }

    /// Every file of the host with its size and mode, but those that logs, caches and engines write on their own.
    func files(_ name: String) async throws -> Set<String> {
        let text = try await on(
            name,
            """
            find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log -o -path /var/cache \
                -o -path /var/lib/containers -o -path /var/lib/docker -o -path /var/lib/apt -o -path /var/lib/systemd \\) \
                -prune -o -type f -printf '%p %s %m\\n'
            """)
        return Set(text.split(separator: "\n").map(String.init))
    }
}
