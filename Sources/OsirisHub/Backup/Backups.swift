import Foundation
import Hummingbird
import NIOCore

/// Makes backups of a hub and takes them back.
struct Backups: Sendable {
    /// Bytes that are read and sent at once.
    static let pieceBytes = 262_144

    let data: DataFolder
    let catalog: any Catalog
    /// The cluster's name, which a backup has in it.
    let cluster: String

    /// Removes what a hub that was killed left half made.
    func clear() async throws {
        try await BlockingWork.run {
            data.remove(data.scratch)
            try data.create(data.scratch, mode: 0o700)
        }
    }

    /// Writes a backup. No change may be made meanwhile.
    /// - Throws: `HubError` 409 if files of a version in use were changed on disk.
    func make() async throws -> OpenBackup {
        let path = "\(data.scratch)/\(UUID().uuidString).db"
        do {
            try await catalog.copy(to: path)
            return try await BlockingWork.run {
                let digest = try BackupFile(path: path).fill(from: data, cluster: cluster)
                return try OpenBackup(path: path, digest: digest)
            }
        } catch {
            try? await BlockingWork.run { data.remove(path) }
            throw error
        }
    }

    /// Stores, checks and unpacks a backup beside what there is, which stays as it is.
    /// - Throws: `HubError` 400 for one that cannot be restored, or what the disk says.
    func receive(_ body: RequestBody) async throws -> Draft {
        let folder = DataFolder(path: "\(data.scratch)/\(UUID().uuidString)")
        do {
            let file = try await BlockingWork.run {
                try folder.create(folder.path, mode: 0o700)
                return try OpenFile(creating: folder.catalog)
            }
            for try await buffer in body {
                try await BlockingWork.run { try file.write(Array(buffer.readableBytesView)) }
            }
            return try await BlockingWork.run {
                try file.sync()
                return Draft(folder: folder, digest: try BackupFile(path: folder.catalog).unpack(into: folder))
            }
        } catch {
            await drop(Draft(folder: folder, digest: ""))
            throw error
        }
    }

    /// A backup that can take the place of what there is.
    struct Draft: Sendable {
        let folder: DataFolder
        let digest: String
    }

    func drop(_ draft: Draft) async { try? await BlockingWork.run { data.remove(draft.folder.path) } }
}

/// A file of the hub's own, open for one user at a time. All calls block; use `BlockingWork`.
final class OpenFile: Sendable {
    fileprivate let descriptor: Int32

    fileprivate init(reading path: String) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StartFailure("\(path) cannot be read.") }
    }

    fileprivate init(creating path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StartFailure("\(path) cannot be created.") }
    }

    deinit { close(descriptor) }

    private var handle: FileHandle { FileHandle(fileDescriptor: descriptor, closeOnDealloc: false) }

    func write(_ bytes: [UInt8]) throws { try handle.write(contentsOf: Data(bytes)) }

    func sync() throws { try handle.synchronize() }

    /// The next bytes; empty at the end.
    func read(_ count: Int) throws -> [UInt8] { Array(try handle.read(upToCount: count) ?? Data()) }

    var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }
}

/// A backup to be sent. Its file has no name any more, so it goes with this.
struct OpenBackup: Sendable {
    let digest: String
    private let file: OpenFile

    fileprivate init(path: String, digest: String) throws {
        self.digest = digest
        file = try OpenFile(reading: path)
        unlink(path)
    }

    /// The file piece by piece, as fast as the caller takes it.
    func body() -> ResponseBody {
        let file = file
        return ResponseBody(contentLength: file.size) { writer in
            while true {
                let piece = try await BlockingWork.run { try file.read(Backups.pieceBytes) }
                if piece.isEmpty { break }
                try await writer.write(ByteBuffer(bytes: piece))
            }
            try await writer.finish(nil)
        }
    }
}
