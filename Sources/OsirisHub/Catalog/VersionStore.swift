import Foundation

/// What an instance finds in its environment, beside what its kind of instance adds.
struct InstanceEnvironment: Sendable {
    var variables: [String: String]
    /// Secrets that it finds as files, by name.
    var files: [String: String]
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

    /// - Throws: `HubError` 409 for a function that asks for what this host cannot keep.
    func check(_ spec: FunctionSpec) throws {
        guard spec.network == false else { return }
        if spec.runtime == .container {
            throw HubError(
                409, "cannot_isolate",
                "\(spec.name) must have no network, and the hub reaches a container by its network only. Use another "
                    + "runtime, or leave out network: false.")
        }
        guard let reason = sandbox.noNetworkOff else { return }
        throw HubError(
            409, "cannot_isolate",
            "\(spec.name) must have no network, and this host cannot keep it away: \(reason). Install bubblewrap, or "
                + "leave out network: false.")
    }

    /// Lays down the files and the secrets of a version, flushed to disk.
    /// - Parameter other: a version that is there; files that are the same in both are stored once.
    func save(_ deployment: Deployment, version: Int, besides other: Int? = nil) async throws {
        try await BlockingWork.run {
            let name = deployment.spec.name
            let shared = (deployment.sharing ?? other).map { data.versionFolder(name, $0) }
            try data.create(data.functionFolder(name))
            try data.store(deployment.source, as: name, version: version, sharing: shared)
            for (file, secrets) in [
                (data.secretFile(name, version), deployment.secrets),
                (data.secretFilesFile(name, version), deployment.secretFiles),
            ] {
                data.remove(file)
                if secrets.isEmpty { continue }
                try data.create(data.secretFolder(name), mode: 0o700)
                try data.write(try HubJSON.encode(secrets), to: file, mode: 0o600)
            }
        }
    }

    /// Reads back what `save` laid down, to deploy it again.
    /// - Throws: `HubError` 409 if the files are not what was deployed.
    func load(_ entry: CatalogEntry) async throws -> Deployment {
        try await BlockingWork.run {
            let (secrets, files) = try self.secrets(of: entry)
            return Deployment(
                spec: entry.spec, secrets: secrets, secretFiles: files, source: try data.source(of: entry),
                sharing: entry.version)
        }
    }

    /// Removes what `save` laid down.
    func remove(_ name: FunctionName, versions: [Int]) async {
        if versions.isEmpty { return }
        try? await BlockingWork.run {
            for version in versions {
                data.remove(data.versionFolder(name, version))
                data.remove(data.secretFile(name, version))
                data.remove(data.secretFilesFile(name, version))
            }
            // These two fail, as they should, while another version is there.
            rmdir(data.functionFolder(name))
            rmdir(data.secretFolder(name))
        }
    }

    /// Removes every version that the catalog does not know, as a hub killed half way leaves them.
    func sweep(keeping entries: [CatalogEntry]) async throws {
        try await BlockingWork.run {
            let files = Set(entries.map { data.versionFolder($0.spec.name, $0.version) })
            let secrets = Set(
                entries.flatMap {
                    [data.secretFile($0.spec.name, $0.version), data.secretFilesFile($0.spec.name, $0.version)]
                })
            Self.sweep(data.path + "/functions", keeping: files)
            Self.sweep(data.path + "/secrets", keeping: secrets)
            // No instance of an earlier hub lives any more.
            SecretFolder.sweep(data)
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

    /// The clear secrets of a version: those of the environment, and the files. Blocks; use `BlockingWork`.
    private func secrets(of entry: CatalogEntry) throws -> (environment: [String: String], files: [String: String]) {
        let (spec, name) = (entry.spec, entry.spec.name)
        return (
            try clear(spec.secretDigests, of: name, in: data.secretFile(name, entry.version)),
            try clear(spec.secretFileDigests ?? [:], of: name, in: data.secretFilesFile(name, entry.version))
        )
    }

    /// Blocks; use `BlockingWork`.
    private func clear(
        _ digests: [String: String], of name: FunctionName, in file: String
    ) throws -> [String: String] {
        guard !digests.isEmpty else { return [:] }
        let bytes = FileManager.default.contents(atPath: file) ?? Data()
        guard let secrets = try? JSONDecoder().decode([String: String].self, from: bytes) else {
            throw StartFailure("The secrets of \(name) are lost. Deploy it again.")
        }
        return secrets
    }

    /// The function's own variables, its clear secrets among them, and what every function is told.
    func environment(of entry: CatalogEntry) async throws -> InstanceEnvironment {
        let spec = entry.spec
        let (secrets, files) = try await BlockingWork.run { try self.secrets(of: entry) }
        var variables = spec.env.merging(secrets) { $1 }
        variables["OSIRIS_FUNCTION"] = spec.name.name
        variables["OSIRIS_NAMESPACE"] = spec.name.namespace
        return InstanceEnvironment(
            variables: variables, files: files, redaction: Redaction(secrets: Array(secrets.values) + files.values))
    }

    /// Puts together how an instance is started.
    /// - Parameter dependencies: where what it needs besides its source is; nil for nothing.
    func launch(_ entry: CatalogEntry, dependencies: String? = nil) async throws -> Instance.Launch {
        let spec = entry.spec
        // A catalog may come from a host that could.
        try check(spec)
        let user = try await takeUser()
        var own = try await environment(of: entry)
        let files = own.files
        let handed = try await BlockingWork.run {
            try SecretFolder(files, in: data, owner: sandbox.setpriv == nil ? nil : user)
        }
        if let handed { own.variables["OSIRIS_SECRETS"] = sandbox.path(ofSecrets: handed.path) }
        let folder = data.versionFolder(spec.name, entry.version)
        let runtime = spec.runtime.program
        let words = runtime.words(
            spec, folder: sandbox.path(ofFolder: folder), starter: sandbox.path(ofStarter: data.starter(of: runtime)))
        var program = program(spec.runtime, words, own: own.variables, folder: folder, dependencies: dependencies)
        program.secrets = handed?.path
        var launch = launch(program, spec.runtime, spec.limits, network: spec.network ?? true, user: user)
        (launch.redaction, launch.secretFolder) = (own.redaction, handed)
        return launch
    }

    func takeUser() async throws -> UInt32 {
        guard sandbox.setpriv != nil else { return 0 }
        return try await BlockingWork.run { try users.take() }
    }

    /// - Parameters:
    ///   - own: the function's own variables.
    ///   - folder: the function's files.
    func program(
        _ runtime: FunctionSpec.Runtime, _ words: [String], own: [String: String], folder: String, dependencies: String?
    ) -> Sandbox.Program {
        var environment = ["PATH": searchPath, "HOME": "/tmp", "LANG": "C.UTF-8"].merging(own) { $1 }
        environment.merge(
            DependencySet.variables(
                runtime, source: sandbox.path(ofFolder: folder),
                dependencies: dependencies.map(sandbox.path(ofDependencies:)), own: own)
        ) { $1 }
        return Sandbox.Program(
            words: words, environment: environment, folder: folder, starter: data.starter(of: runtime.program),
            dependencies: dependencies, fitsAddressSpace: runtime.program.fitsAddressSpace)
    }

    func launch(
        _ program: Sandbox.Program, _ runtime: FunctionSpec.Runtime, _ limits: FunctionSpec.Limits, network: Bool,
        user: UInt32
    ) -> Instance.Launch {
        let group = sandbox.group(limits)
        return Instance.Launch(
            command: sandbox.command(
                program, limits: limits, group: group, network: network, user: user, hiding: data.realPath),
            group: group, contained: sandbox.bubblewrap != nil, wire: runtime.program.wire,
            outputBytes: limits.outputBytes)
    }
}
