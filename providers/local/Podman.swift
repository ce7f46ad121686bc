import OsirisModel
import OsirisProviderKit

/// The podman program.
struct Podman: Sendable {
    /// Its path, or a name to look up in PATH.
    let program: String
    /// Whose hub it is asked about, for messages.
    let address: ResourceAddress

    /// A container, as `podman ps` lists it.
    struct Container: Sendable, Equatable {
        var id: String
        /// Such as `running`, `created`, `exited`, `stopped`.
        var state: String
        var isRunning: Bool { state == "running" }

        /// What `podman ps --format json` wrote; nil if it is no such list.
        static func list(_ text: String) -> [Container]? {
            guard let items = (try? Value(plainJSON: Array(text.utf8)))?.listValue else { return nil }
            let found = items.compactMap { item -> Container? in
                guard let fields = item.mapValue, let id = fields["Id"]?.stringValue,
                    let state = fields["State"]?.stringValue
                else { return nil }
                return Container(id: id, state: state)
            }
            return found.count == items.count ? found : nil
        }
    }

    /// Nil only if podman says that there is none.
    func container(_ name: String) async throws -> Container? {
        // The filter takes a regular expression; names of clusters and targets have no special characters.
        let text = try await run(["ps", "--all", "--no-trunc", "--format", "json", "--filter", "name=^\(name)$"])
        guard let list = Container.list(text) else { throw HubFolderError("podman ps answers no list of containers") }
        return list.first
    }

    /// Whether a container runs and was never started again.
    func isInFirstRun(_ id: String) async throws -> Bool {
        let result = try await result([
            "container", "inspect", "--format", "{{.State.Running}} {{.RestartCount}}", id,
        ])
        return result.status == 0 && result.output.split(whereSeparator: \.isWhitespace) == ["true", "0"]
    }

    /// The last lines a container wrote, on one line; a line that its restarts repeat, once.
    func logTail(_ name: String) async -> String {
        // Not `--tail`: it mixes up the parts of lines that were written in parts.
        guard let result = try? await result(["logs", "--since", "2m", name]) else { return "" }
        var lines: [Substring] = []
        for line in (result.output + result.errors).split(whereSeparator: \.isNewline).reversed() {
            if lines.count < 3, !lines.contains(line) { lines.insert(line, at: 0) }
        }
        return String(
            lines.joined(separator: " | ").filter { !$0.unicodeScalars.contains { $0.value < 32 } }.suffix(4096))
    }

    /// What podman wrote.
    /// - Throws: `ProviderError` if it is missing or says no.
    func run(_ arguments: [String], timeout: Duration = .seconds(60)) async throws -> String {
        let result = try await result(arguments, timeout: timeout)
        guard result.status == 0 else {
            throw ProviderError(
                .rejected, "\(address): podman \(arguments[0]) ended with \(result.status): \(result.problem)",
                help: "`podman info` shows whether podman works for this user")
        }
        return result.output
    }

    func result(_ arguments: [String], timeout: Duration = .seconds(60)) async throws -> Command.Result {
        do {
            return try await Command.run(program, arguments, timeout: timeout)
        } catch let missing as Command.Missing {
            throw ProviderError(
                .rejected, "\(address): its hub runs in a container, and there is no program \(missing.name) in PATH",
                help: "install it with `apt-get install podman`, or set `engine: process` for the target",
                attribute: "engine")
        }
    }
}
