import Foundation

/// A function version's files and clear secrets on disk, and how to start an instance of it.
struct VersionStore: Sendable {
    let data: DataFolder
    /// `PATH` of every instance, unless its function sets its own.
    let searchPath: String
    let sandbox: Sandbox
    private let users = InstanceUsers()

    init(data: DataFolder, searchPath: String, sandbox: Sandbox) {
        self.data = data
        self.searchPath = searchPath
        self.sandbox = sandbox
    }

    /// - Throws: `HubError` 409 for a function that asks for what this host cannot keep.
    func check(_ spec: FunctionSpec) throws {
        guard spec.network == false, let reason = sandbox.noNetworkOff else { return }
        throw HubError(
            409, "cannot_isolate",
            "\(spec.name) must have no network, and this host cannot keep it away: \(reason). Install bubblewrap, or "
                + "leave out network: false.")
    }

    /// Lays down the files and the secrets of a version, flushed to disk.
    func save(_ deployment: Deployment, version: Int) async throws {
        try await BlockingWork.run {
            let name = deployment.spec.name
            try data.create(data.functionFolder(name))
            try data.store(deployment.source, as: name, version: version)
            data.remove(data.secretFile(name, version))
            guard !deployment.secrets.isEmpty else { return }
            try data.create(data.secretFolder(name), mode: 0o700)
            try data.write(
                try HubJSON.encode(deployment.secrets), to: data.secretFile(name, version), mode: 0o600)
        }
    }

    /// Removes what `save` laid down.
    func remove(_ name: FunctionName, version: Int) async {
        try? await BlockingWork.run {
            data.remove(data.versionFolder(name, version))
            data.remove(data.secretFile(name, version))
            // These two fail, as they should, while another version is there.
            rmdir(data.functionFolder(name))
            rmdir(data.secretFolder(name))
        }
    }

    /// Removes every version that the catalog does not know, as a hub killed half way leaves them.
    func sweep(keeping entries: [CatalogEntry]) async throws {
        try await BlockingWork.run {
            let files = Set(entries.map { data.versionFolder($0.spec.name, $0.version) })
            let secrets = Set(entries.map { data.secretFile($0.spec.name, $0.version) })
            Self.sweep(data.path + "/functions", keeping: files)
            Self.sweep(data.path + "/secrets", keeping: secrets)
        }
    }

    private static func sweep(_ root: String, keeping: Set<String>) {
        func names(_ folder: String) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).map { folder + "/" + $0 }
        }
        for function in names(root).flatMap(names) {
            for version in names(function) where !keeping.contains(version) {
                try? FileManager.default.removeItem(atPath: version)
            }
            rmdir(function)
        }
    }

    /// Reads the clear secrets and puts together how an instance is started.
    func launch(_ entry: CatalogEntry) async throws -> Instance.Launch {
        let spec = entry.spec
        let user = sandbox.setpriv == nil ? 0 : try await BlockingWork.run { try users.take() }
        let secrets = try await BlockingWork.run {
            guard !spec.secretDigests.isEmpty else { return [String: String]() }
            let bytes = FileManager.default.contents(atPath: data.secretFile(spec.name, entry.version)) ?? Data()
            guard let secrets = try? JSONDecoder().decode([String: String].self, from: bytes) else {
                throw StartFailure("The secrets of \(spec.name) are lost. Deploy it again.")
            }
            return secrets
        }
        let own = ["PATH": searchPath, "HOME": "/tmp", "LANG": "C.UTF-8"]
        var environment = own.merging(spec.env) { $1 }.merging(secrets) { $1 }
        environment["OSIRIS_FUNCTION"] = spec.name.name
        environment["OSIRIS_NAMESPACE"] = spec.name.namespace
        let folder = data.versionFolder(spec.name, entry.version)
        let runtime = spec.runtime.program
        let starter = data.starter(of: runtime)
        let program = Sandbox.Program(
            words: runtime.words(
                spec, folder: sandbox.path(ofFolder: folder), starter: sandbox.path(ofStarter: starter)),
            environment: environment, folder: folder, starter: starter,
            fitsAddressSpace: runtime.fitsAddressSpace)
        // A catalog may come from a host that could.
        try check(spec)
        let group = sandbox.group(spec.limits)
        return Instance.Launch(
            command: sandbox.command(
                program, limits: spec.limits, group: group, network: spec.network ?? true, user: user,
                hiding: data.realPath),
            group: group, contained: sandbox.bubblewrap != nil, wire: runtime.wire,
            outputBytes: spec.limits.outputBytes, redaction: Redaction(secrets: Array(secrets.values)))
    }
}
