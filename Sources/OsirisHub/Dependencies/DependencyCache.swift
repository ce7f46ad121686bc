import Foundation
import OsirisModel

/// What functions need besides their source: installed once for each digest, shared by all that need the same.
actor DependencyCache {
    /// Longest install.
    static let timeLimit = Duration.seconds(300)
    /// Most bytes of what is installed.
    static let mostBytes = 1 << 30

    private let data: DataFolder
    private let searchPath: String
    private let sandbox: Sandbox
    private let indexes: HubConfig.Dependencies
    private let users = InstanceUsers()
    private var installs: [String: Task<Void, any Error>] = [:]
    private var platforms: [DependencySet.Installer: String] = [:]

    init(data: DataFolder, searchPath: String, sandbox: Sandbox, indexes: HubConfig.Dependencies) {
        self.data = data
        self.searchPath = searchPath
        self.sandbox = sandbox
        self.indexes = indexes
    }

    /// Where a version's dependencies are, installed now if nobody did it before.
    /// - Parameters:
    ///   - log: gets what the installer says.
    ///   - tell: told of an install.
    /// - Returns: nil if it has none.
    /// - Throws: `StartFailure` with the installer's last word.
    func folder(
        for entry: CatalogEntry, log: any LogSink, tell: @escaping @Sendable (String) -> Void
    ) async throws -> String? {
        let source = data.versionFolder(entry.spec.name, entry.version)
        guard let set = await Self.set(entry.spec.runtime, source) else { return nil }
        let name = try await self.name(of: set)
        let folder = "\(data.dependencies)/\(name)"
        if installs[name] == nil, await Self.isThere(folder) { return folder }
        tell("installing dependencies")
        let install = installs[name] ?? Task { try await self.install(set, from: source, to: name, log) }
        installs[name] = install
        defer { installs[name] = nil }
        // It goes on when this instance is not wanted any more: another one may wait for it.
        try await install.value
        return folder
    }

    /// Where a version's dependencies are, if nothing needs to be done for them.
    /// - Returns: nil if they are not installed; nil inside if it has none.
    func installed(for entry: CatalogEntry) async -> String?? {
        let source = data.versionFolder(entry.spec.name, entry.version)
        guard let set = await Self.set(entry.spec.runtime, source) else { return .some(nil) }
        guard let name = try? await name(of: set), installs[name] == nil else { return nil }
        let folder = "\(data.dependencies)/\(name)"
        return await Self.isThere(folder) ? .some(folder) : nil
    }

    /// Removes what no version needs.
    func sweep(keeping entries: [CatalogEntry]) async {
        let names = await Self.names(in: data.dependencies)
        if names.isEmpty { return }
        var needed = Set(installs.keys)
        for entry in entries {
            let source = data.versionFolder(entry.spec.name, entry.version)
            guard let set = await Self.set(entry.spec.runtime, source) else { continue }
            // Without its runtime nothing can be told of it; then nothing is removed.
            guard let name = try? await name(of: set) else { return }
            needed.insert(name)
        }
        // An install may have begun meanwhile.
        needed.formUnion(installs.keys)
        for name in names where !needed.contains(name.hasPrefix(".") ? String(name.dropFirst()) : name) {
            let path = "\(data.dependencies)/\(name)"
            _ = try? await BlockingWork.run { try FileManager.default.removeItem(atPath: path) }
        }
    }

    /// The folder's name: a digest of everything that decides.
    private func name(of set: DependencySet) async throws -> String {
        var platform = platforms[set.installer]
        if platform == nil {
            let program = Sandbox.Program(
                words: set.question, environment: environment, folder: data.bootstrap, starter: anyFile)
            let run = DependencyInstall(command: try await command(program), limit: .seconds(10), folder: nil)
            platform = try await run.output()
            platforms[set.installer] = platform
        }
        let digest = Digest.sha256("\(set.installer.rawValue)\n\(platform ?? "")\n\(set.digest)".utf8)
        return String(digest.dropFirst("sha256:".count).prefix(40))
    }

    private func install(_ set: DependencySet, from source: String, to name: String, _ log: any LogSink) async throws {
        let data = data
        let (folder, beside) = ("\(data.dependencies)/\(name)", "\(data.dependencies)/.\(name)")
        let user = try await takeUser()
        try await BlockingWork.run {
            try data.create(data.dependencies)
            data.remove(beside)
            try data.create(beside)
            if user != 0 { chown(beside, user, user) }
        }
        let inside = sandbox.path(ofOutput: beside)
        let index = set.installer == .pip ? indexes.pipIndex : indexes.npmRegistry
        let program = Sandbox.Program(
            words: set.words(into: inside, index: index), environment: environment, folder: source, starter: anyFile,
            output: beside)
        let run = DependencyInstall(
            command: try await command(program, user: user), limit: Self.timeLimit, folder: beside, log: log)
        do {
            try await run.run()
            try await BlockingWork.run {
                // The user's number will be another instance's.
                if user != 0 { Self.takeOver(beside) }
                guard rename(beside, folder) == 0 || FileManager.default.fileExists(atPath: folder) else {
                    throw StartFailure("\(folder) cannot be written: \(String(cString: strerror(errno)))")
                }
            }
        } catch {
            _ = try? await BlockingWork.run { data.remove(beside) }
            throw error
        }
    }

    private func command(_ program: Sandbox.Program, user: UInt32? = nil) async throws -> ChildProcess.Command {
        var number = user ?? 0
        if user == nil { number = try await takeUser() }
        let limits = FunctionSpec.Limits(processes: 256, openFiles: 1024, diskBytes: Self.mostBytes)
        return sandbox.command(program, limits: limits, user: number, hiding: data.realPath)
    }

    private func takeUser() async throws -> UInt32 {
        guard sandbox.setpriv != nil else { return 0 }
        let users = users
        return try await BlockingWork.run { try users.take() }
    }

    private var environment: [String: String] {
        // Some installers want a home that they can write.
        ["PATH": searchPath, "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"]
    }

    private var anyFile: String { data.starter(of: Python3()) }

    private static func set(_ runtime: FunctionSpec.Runtime, _ source: String) async -> DependencySet? {
        (try? await BlockingWork.run { DependencySet(runtime: runtime, folder: source) }).flatMap { $0 }
    }

    private static func isThere(_ folder: String) async -> Bool {
        (try? await BlockingWork.run { FileManager.default.fileExists(atPath: folder) }) ?? false
    }

    private static func names(in folder: String) async -> [String] {
        (try? await BlockingWork.run { try FileManager.default.contentsOfDirectory(atPath: folder) }) ?? []
    }

    /// Makes the hub's user the owner of a folder with all in it, and lets others read it.
    private static func takeOver(_ folder: String) {
        let inside = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        for path in [folder] + inside.map({ "\(folder)/\($0)" }) { lchown(path, geteuid(), getegid()) }
    }
}
