import Foundation
import OsirisModel

/// The hub's folder: where everything it keeps lies. All calls block; use `BlockingWork`.
public struct DataFolder: Sendable {
    /// Absolute path.
    public let path: String

    public init(path: String) { self.path = URL(fileURLWithPath: path).standardizedFileURL.path }

    /// `path` with its symbolic links followed: what the folder is called behind every name it has.
    var realPath: String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }

    var config: String { path + "/hub.json" }
    var catalog: String { path + "/catalog.db" }
    var calls: String { path + "/calls.db" }
    var pidFile: String { path + "/hub.pid" }
    var instances: String { path + "/instances" }
    var bootstrap: String { path + "/bootstrap" }
    var logs: String { path + "/logs" }
    var dependencies: String { path + "/dependencies" }
    var usage: String { path + "/usage.db" }

    var functions: String { path + "/functions" }
    var secrets: String { path + "/secrets" }
    /// What is half made; emptied at the start.
    var scratch: String { path + "/scratch" }

    /// The file that every instance of a runtime can read; any one for a runtime that has none.
    func starter(of runtime: any RuntimeProgram) -> String {
        "\(bootstrap)/\(runtime.starter?.name ?? Self.anyStarter)"
    }

    static let anyStarter = "python3.py"

    func functionFolder(_ name: FunctionName) -> String { "\(path)/functions/\(name.namespace)/\(name.name)" }
    func versionFolder(_ name: FunctionName, _ version: Int) -> String { "\(functionFolder(name))/\(version)" }
    func secretFolder(_ name: FunctionName) -> String { "\(path)/secrets/\(name.namespace)/\(name.name)" }
    func secretFile(_ name: FunctionName, _ version: Int) -> String { "\(secretFolder(name))/\(version).json" }

    /// Clear secrets of a version, by the name of the file that its instances get them in.
    func secretFilesFile(_ name: FunctionName, _ version: Int) -> String {
        "\(secretFolder(name))/\(version).files.json"
    }

    /// A folder for each instance that has secrets as files.
    var handedOut: String { path + "/instance-secrets" }

    /// A folder for each instance that was started before its function was known.
    var warmSlots: String { path + "/warm" }

    /// Who has the folder to itself.
    enum Holder: String {
        case hub
        /// Of a killed hub, while it clears away what that one ran.
        case `guard`
    }

    /// Takes the folder for this process until the returned descriptor is closed. A hub waits for the guard of the one
    /// before, which may have to wait for a container engine, and a moment for another hub that ends.
    /// - Throws: `StartFailure` when somebody else has it.
    func lock(as holder: Holder) throws -> Int32 {
        let descriptor = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StartFailure("\(path)/lock cannot be opened: \(Self.reason())") }
        let start = ContinuousClock.now
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let other = Self.holder(descriptor)
            let patience: Duration = holder == .guard ? .zero : other == .guard ? .seconds(60) : .seconds(2)
            if ContinuousClock.now - start < patience {
                usleep(20_000)
                continue
            }
            close(descriptor)
            throw StartFailure(
                other == .guard
                    ? "What a killed hub ran on \(path) is still being cleared away. Does the container engine answer?"
                    : "Another hub runs on \(path): it holds the lock on \(path)/lock. Stop that one first.")
        }
        ftruncate(descriptor, 0)
        pwrite(descriptor, holder.rawValue, holder.rawValue.utf8.count, 0)
        return descriptor
    }

    private static func holder(_ descriptor: Int32) -> Holder? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return Holder(rawValue: String(decoding: bytes.prefix(max(0, count)), as: UTF8.self))
    }

    /// Makes a file that only the hub's user may read, or makes it so. SQLite gives its other files the same mode.
    func keepPrivate(_ file: String) throws {
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StartFailure("\(file) cannot be opened: \(Self.reason())") }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw StartFailure("\(file) cannot be closed to others.") }
    }

    /// Makes a folder and its parents.
    func create(_ folder: String, mode: Int = 0o755) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
    }

    /// Replaces a file in one step: written beside, flushed, renamed.
    func write(_ bytes: [UInt8], to file: String, mode: mode_t) throws {
        let beside = file + ".new"
        unlink(beside)
        try Self.create(beside, bytes, mode: mode)
        guard rename(beside, file) == 0 else { throw StartFailure("\(file) cannot be written: \(Self.reason())") }
        Self.flush(folder: (file as NSString).deletingLastPathComponent)
    }

    /// Lays a version's files down; the folder is there whole or not at all.
    /// - Parameter shared: folder of a version whose equal files are linked instead of written once more.
    func store(_ source: SourceTree, as name: FunctionName, version: Int, sharing shared: String? = nil) throws {
        let folder = versionFolder(name, version)
        let beside = functionFolder(name) + "/.\(version).new"
        try? FileManager.default.removeItem(atPath: beside)
        try? FileManager.default.removeItem(atPath: folder)
        try create(beside)
        var folders: Set<String> = [beside]
        for file in source.files {
            let path = beside + "/" + file.path
            let parent = (path as NSString).deletingLastPathComponent
            try create(parent)
            folders.insert(parent)
            let mode: mode_t = file.executable ? 0o755 : 0o644
            if let shared, Self.link(shared + "/" + file.path, to: path, ifItHas: file.bytes, mode) { continue }
            try Self.create(path, file.bytes, mode: mode)
        }
        for folder in folders { Self.flush(folder: folder) }
        guard rename(beside, folder) == 0 else { throw StartFailure("\(folder) cannot be written: \(Self.reason())") }
        Self.flush(folder: functionFolder(name))
    }

    /// The files of a stored version.
    /// - Throws: `HubError` 409 if they are not what was deployed.
    func source(of entry: CatalogEntry) throws -> SourceTree {
        let folder = versionFolder(entry.spec.name, entry.version)
        var files: [SourceTree.File] = []
        for path in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? [] {
            var status = stat()
            guard lstat(folder + "/" + path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            guard let bytes = FileManager.default.contents(atPath: folder + "/" + path) else { continue }
            files.append(.init(path: path, executable: status.st_mode & 0o100 != 0, bytes: Array(bytes)))
        }
        let tree = SourceTree(files: files)
        guard tree.digest == entry.sourceDigest else {
            throw HubError(
                409, "version_damaged",
                "The files of version \(entry.version) of \(entry.spec.name) were changed on the hub's disk. "
                    + "Deploy it from its source.")
        }
        return tree
    }

    /// - Returns: false if the other file is not there or not the same.
    private static func link(_ other: String, to path: String, ifItHas bytes: [UInt8], _ mode: mode_t) -> Bool {
        var status = stat()
        guard lstat(other, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o777 == mode,
            status.st_size == bytes.count, FileManager.default.contents(atPath: other) == Data(bytes)
        else { return false }
        return Glibc.link(other, path) == 0
    }

    func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    private static func create(_ file: String, _ bytes: [UInt8], mode: mode_t) throws {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw StartFailure("\(file) cannot be created: \(reason())") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(bytes))
        try handle.synchronize()
        try handle.close()
        // Functions start all the time.
        if mode & 0o100 != 0 { ProgramFile.awaitClosed(file) }
    }

    /// Makes new and removed names of a folder durable.
    static func flush(folder: String) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
