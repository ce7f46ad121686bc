import Foundation

/// What an instance finds in its environment, beside what its kind of instance adds.
struct InstanceEnvironment: Sendable {
    var variables: [String: String]
    /// What must not go to the log, nor into an error.
    var redaction: Redaction
}

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

    /// The function's own variables, its clear secrets among them, and what every function is told.
    func environment(of entry: CatalogEntry) async throws -> InstanceEnvironment {
        let spec = entry.spec
        let secrets = try await BlockingWork.run {
            guard !spec.secretDigests.isEmpty else { return [String: String]() }
            let bytes = FileManager.default.contents(atPath: data.secretFile(spec.name, entry.version)) ?? Data()
            guard let secrets = try? JSONDecoder().decode([String: String].self, from: bytes) else {
                throw StartFailure("The secrets of \(spec.name) are lost. Deploy it again.")
            }
            return secrets
        }
        var variables = spec.env.merging(secrets) { $1 }
        variables["OSIRIS_FUNCTION"] = spec.name.name
        variables["OSIRIS_NAMESPACE"] = spec.name.namespace
        return InstanceEnvironment(variables: variables, redaction: Redaction(secrets: Array(secrets.values)))
    }

    /// Puts together how an instance is started.
    /// - Parameter dependencies: where what it needs besides its source is; nil for nothing.
    func launch(_ entry: CatalogEntry, dependencies: String? = nil) async throws -> Instance.Launch {
        let spec = entry.spec
        let user = sandbox.setpriv == nil ? 0 : try await BlockingWork.run { try users.take() }
        let own = try await environment(of: entry)
        let folder = data.versionFolder(spec.name, entry.version)
        var environment = ["PATH": searchPath, "HOME": "/tmp", "LANG": "C.UTF-8"].merging(own.variables) { $1 }
        environment.merge(
            DependencySet.variables(
                spec.runtime, source: sandbox.path(ofFolder: folder),
                dependencies: dependencies.map(sandbox.path(ofDependencies:)), own: own.variables)
        ) { $1 }
        let runtime = spec.runtime.program
        let starter = data.starter(of: runtime)
        let program = Sandbox.Program(
            words: runtime.words(
                spec, folder: sandbox.path(ofFolder: folder), starter: sandbox.path(ofStarter: starter)),
            environment: environment, folder: folder, starter: starter, dependencies: dependencies)
        return Instance.Launch(
            command: sandbox.command(program, limits: spec.limits, user: user, hiding: data.realPath),
            contained: sandbox.bubblewrap != nil, wire: runtime.wire,
            outputBytes: spec.limits.outputBytes, redaction: own.redaction)
    }
}
