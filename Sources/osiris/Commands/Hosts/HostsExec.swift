import ArgumentParser
import OsirisDiagnostics
import OsirisModel
import OsirisTransport
import ProviderSSH

struct HostsExec: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Run a command on hosts, all at once; equal outputs are shown once.",
        discussion: """
            One word after -- is a line for the host's shell; several words are a program and its arguments, passed on as they
            are. Exit code 1 if the command fails on any host.

            Example: osiris hosts exec --become -- 'systemctl is-active osiris-hub'
            """)

    @Flag(help: "With the rights of root, as the target's `become` says.")
    var become = false

    @Option(help: ArgumentHelp("Give a host up after this time, such as 30s.", valueName: "duration"))
    var timeout: String?

    @OptionGroup var options: HostsOptions
    @OptionGroup var manifest: ClusterOptions
    @OptionGroup var output: OutputOptions

    @Argument(parsing: .postTerminator, help: "The command, after --.")
    var command: [String]

    func validate() throws {
        if command.isEmpty { throw ValidationError("there is no command: osiris hosts exec -- uptime") }
        if let timeout, Quantities.milliseconds(timeout) == nil {
            throw ValidationError("--timeout wants a duration such as 30s, got `\(timeout)`")
        }
    }

    func run() async throws {
        let console = Console(output)
        try await console.run {
            let hosts = try options.hosts(manifest, console)
            let line = command.count == 1 ? command[0] : SSHWords.line(command)
            let limit = timeout.flatMap(Quantities.milliseconds).map { Duration.milliseconds($0) }
            let become = become
            let answers = await onAll(hosts, progress: HostsProgress("done", console)) { host in
                await Self.run(line, on: host, become: become, timeout: limit)
            }
            await Providers.ssh.closeAll()
            let faults = answers.compactMap { host, answer in
                if case .failure(let error) = answer {
                    Diagnostic(error, host: host.place.name, address: host.address.text)
                } else {
                    nil
                }
            }
            if console.json {
                console.line(Value.list(answers.map { Self.json($0.host, $0.answer) }).prettyJSONText)
            } else {
                for group in OutputGroup.groups(answers.map { ($0.host.place.name, $0.answer) }) {
                    console.line(group.title)
                    console.out(group.text)
                }
                console.report(faults)
            }
            let isFine = answers.allSatisfy { (try? $0.answer.get())?.status == 0 }
            if !isFine { throw Exit.failed }
        }
    }

    private static func run(
        _ line: String, on host: ManifestHost, become: Bool, timeout: Duration?
    ) async -> Result<SSHResult, SSHError> {
        do {
            let connection = try await Providers.ssh.connection(to: host.place.route)
            return .success(
                try await connection.run(
                    script: line, as: become ? host.place.elevation : .none, timeout: timeout))
        } catch {
            return .failure(error as? SSHError ?? SSHError(.lost, host.place.route.text, "it was cancelled"))
        }
    }

    private static func json(_ host: ManifestHost, _ answer: Result<SSHResult, SSHError>) -> Value {
        var fields: [String: Value] = [
            "host": .string(host.place.name), "target": .string(String(host.address.target)),
        ]
        switch answer {
        case .success(let result):
            fields["status"] = result.status.map(Value.int) ?? .null
            fields["signal"] = result.signal.map(Value.string)
            fields["output"] = .string(String(decoding: result.output, as: UTF8.self))
            fields["errors"] = .string(String(decoding: result.errors, as: UTF8.self))
        case .failure(let error): fields["error"] = .string(error.description)
        }
        return .map(fields)
    }
}

/// Hosts on which a command wrote the same and ended alike.
struct OutputGroup: Sendable, Hashable {
    var hosts: [String]
    var result: SSHResult

    /// In the order of their first hosts; hosts without a result are in none.
    static func groups(_ answers: [(host: String, answer: Result<SSHResult, SSHError>)]) -> [OutputGroup] {
        var groups: [OutputGroup] = []
        var places: [SSHResult: Int] = [:]
        for (host, answer) in answers {
            guard case .success(let result) = answer else { continue }
            if let place = places[result] {
                groups[place].hosts.append(host)
            } else {
                places[result] = groups.count
                groups.append(OutputGroup(hosts: [host], result: result))
            }
        }
        return groups
    }

    /// `== n1, n2 (2 hosts), exit 3`
    var title: String {
        let count = hosts.count == 1 ? "" : " (\(hosts.count) hosts)"
        let end =
            switch (result.status, result.signal) {
            case (0, _): ""
            case (let status?, _): ", exit \(status)"
            case (nil, let signal): ", killed by SIG\(signal ?? "?")"
            }
        return "== \(hosts.joined(separator: ", "))\(count)\(end)"
    }

    /// Output, then errors; control characters that could move the cursor are shown as `?`.
    var text: String {
        let text = [result.output, result.errors].map { String(decoding: $0, as: UTF8.self) }
            .map { $0.isEmpty || $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined()
        let clean = text.unicodeScalars.map { scalar -> Character in
            let isControl = scalar.value < 32 || (127..<160).contains(scalar.value)
            return isControl && scalar != "\n" && scalar != "\t" ? "?" : Character(scalar)
        }
        return String(clean)
    }
}
