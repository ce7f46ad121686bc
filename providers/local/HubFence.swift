import Foundation
import OsirisModel
import OsirisProviderKit

/// Keeps a run that slept past its lock from changing a hub of this machine.
///
/// One file for each hub, `.fence-TARGET` beside its data folder: the highest lock number of each state that changed the
/// hub. It outlives the folder, so that such a run does not bring back a hub that a later one removed. A change happens
/// under an exclusive flock of the file, from the check to its last effect.
struct HubFence: Sendable {
    let path: String
    let address: ResourceAddress
    /// How long another process may be at work on the hub.
    var patience: Duration = .seconds(30)

    init(_ folder: HubFolder, of address: ResourceAddress) {
        let folder = folder.path as NSString
        path = "\(folder.deletingLastPathComponent)/.fence-\(folder.lastPathComponent)"
        self.address = address
    }

    /// Runs `body` while no other process changes the hub, if no later run did.
    /// - Throws: `ProviderError`, `.fenced` if one did; what `body` throws.
    func pass<Result>(_ request: OperationRequest, _ body: () async throws -> Result) async throws -> Result {
        guard request.owner.isFenced else { return try await body() }
        var descriptor = try await lock(request)
        // The lock ends with its descriptor, also when this process ends.
        defer { close(descriptor) }
        var marks = try read()
        let highest = marks.highest[request.owner.lineage] ?? 0
        guard highest <= request.owner.fencing else {
            throw ProviderError(
                .fenced,
                "\(address): its hub was changed by a later run (lock \(highest), this run has \(request.owner.fencing))"
            )
        }
        if highest < request.owner.fencing || marks.process != getpid() {
            marks.highest[request.owner.lineage] = request.owner.fencing
            marks.process = getpid()
            try replace(&descriptor, with: marks)
        }
        return try await body()
    }

    /// What the file says.
    private struct Marks {
        var highest: [String: Int] = [:]
        /// The process that was at work last.
        var process: Int32 = 0
    }

    private func read() throws -> Marks {
        guard let bytes = FileManager.default.contents(atPath: path), !bytes.isEmpty else { return Marks() }
        guard let fields = (try? Value(plainJSON: bytes))?.mapValue, let highest = fields["highest"]?.mapValue else {
            throw HubFolderError("\(path) is not a fence of osiris; remove it if no apply runs")
        }
        return Marks(
            highest: highest.compactMapValues(\.intValue), process: Int32(clamping: fields["process"]?.intValue ?? 0))
    }

    /// Asks again and again instead of waiting inside flock(2), which would hold one of the few shared threads.
    private func lock(_ request: OperationRequest) async throws -> CInt {
        let folder = (path as NSString).deletingLastPathComponent
        let deadline = ContinuousClock.now + patience
        var isSaid = false
        while true {
            if let descriptor = try tryLock(folder) { return descriptor }
            let holder = (try? read())?.process ?? 0
            guard ContinuousClock.now < deadline else {
                throw ProviderError(
                    .rejected,
                    "\(address): process \(holder) was at work on its hub before and does not come to an end",
                    help: "if it is an osiris that was stopped, end it with `kill -9 \(holder)`, then apply again")
            }
            if !isSaid { request.progress("waiting for process \(holder), which is at work on the hub") }
            isSaid = true
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Nil while another has it.
    private func tryLock(_ folder: String) throws -> CInt? {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw HubFolderError(errno: "\(path) cannot be opened") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            defer { close(descriptor) }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw HubFolderError(errno: "\(path) cannot be locked")
            }
            return nil
        }
        // Whoever had the lock may have put another file in this one's place.
        var (mine, named) = (stat(), stat())
        guard fstat(descriptor, &mine) == 0, stat(path, &named) == 0, mine.st_ino == named.st_ino else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Puts a new file in place of the old one in one step, locked before others can see it.
    private func replace(_ descriptor: inout CInt, with marks: Marks) throws {
        let content: Value = [
            "highest": .map(marks.highest.mapValues(Value.int)), "process": .int(Int(marks.process)),
        ]
        let beside = try HubFolder.writeBeside(content.plainJSON(), path)
        let new = open(beside, O_RDWR | O_CLOEXEC)
        guard new >= 0 else { throw HubFolderError(errno: "\(beside) cannot be opened") }
        guard flock(new, LOCK_EX | LOCK_NB) == 0, rename(beside, path) == 0 else {
            defer { close(new) }
            throw HubFolderError(errno: "\(path) cannot be written")
        }
        close(descriptor)
        descriptor = new
    }
}
