import OsirisModel

/// How a hub is run on a host: in a container of its engine, which systemd starts, or the engine itself where there is no
/// systemd.
struct HubUnit: Sendable {
    /// `podman` or `docker`.
    var engine: String
    /// An identity or a reference that the engine has.
    var image: String
    /// The host's folder for osiris.
    var folder: String
    var address: ResourceAddress
    var cluster: String
    var port: Int

    /// Of the container and of the unit.
    static let name = "osiris-hub"
    /// How long a hub may take to end, running calls included, in seconds.
    private static let patience = 12

    /// The user in the container: the image's own, unless the port is one that only root may listen on.
    var user: Int { port < 1024 ? 0 : 65532 }

    /// Arguments of the engine.
    /// - Parameter isDetached: without systemd, so that the engine itself starts the hub again.
    func run(isDetached: Bool) -> [String] {
        var words = quiet + ["run", "--name", Self.name]
        // In the foreground what the hub writes goes to the journal, and nowhere else.
        words += isDetached ? ["--detach", "--restart=always"] : ["--rm", "--log-driver=none"]
        words += [
            "--label", "osiris.cluster=\(cluster)", "--label", "osiris.address=\(address)", "--user=\(user):\(user)",
            "--stop-timeout=\(Self.patience)", "--network=host", "--cap-drop=all",
        ]
        if user == 0 { words.append("--cap-add=net_bind_service") }
        // Z: where SELinux is on, the folder is labelled for this container.
        words += [
            "--security-opt=no-new-privileges", "--volume", "\(folder)/data:/data:Z", image, "serve", "--data", "/data",
        ]
        return words
    }

    /// podman notes its events in the journal, as the unit's own words: they would hide what the hub said last.
    private var quiet: [String] { engine == "podman" ? ["--events-backend=none"] : [] }

    /// The unit file: https://www.freedesktop.org/software/systemd/man/systemd.service.html.
    var text: String {
        let command = ([engine] + run(isDetached: false)).map(Self.quoted).joined(separator: " ")
        let remove = ([engine] + quiet + ["rm", "--force", Self.name]).joined(separator: " ")
        return """
            # Written by osiris; the next apply replaces it.
            [Unit]
            Description=Osiris hub \(Self.quoted("\(address)"))
            Wants=network-online.target
            After=network-online.target\(engine == "docker" ? " docker.service" : "")
            StartLimitIntervalSec=0

            [Service]
            ExecStartPre=-\(remove)
            ExecStart=\(command)
            ExecStopPost=-\(remove)
            KillMode=mixed
            TimeoutStopSec=\(Self.patience + 8)
            Restart=always
            RestartSec=1

            [Install]
            WantedBy=multi-user.target

            """
    }

    /// In a unit file `%` begins a specifier and `$` a variable.
    private static func quoted(_ word: String) -> String {
        let word = word.replacing("%", with: "%%").replacing("$", with: "$$")
        return word.contains { $0.isWhitespace || $0 == "\"" || $0 == "\\" }
            ? "\"" + word.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" : word
    }
}
