import Foundation
import OsirisModel

/// A store cannot be read or written; the reason in one sentence without a full stop.
struct StoreError: Error, Sendable {
    var message: String
}

/// The file of a store: opened for each use, locked for each change, only ever appended to.
struct StoreFile: Sendable {
    let path: String

    /// What tells one content of the file from another without reading it.
    struct Stamp: Sendable, Equatable {
        var inode: UInt64
        var size: Int
        var seconds: Int
        var nanoseconds: Int
    }

    /// Nil if there is no file.
    func stamp() throws(StoreError) -> Stamp? {
        var status = stat()
        if stat(path, &status) == 0 { return Self.stamp(status) }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw failure("cannot be examined")
    }

    private static func stamp(_ status: stat) -> Stamp {
        Stamp(
            inode: UInt64(status.st_ino), size: Int(status.st_size), seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec)
    }

    /// The bytes from `offset` to the end; empty if there is no file.
    func read(from offset: Int) throws(StoreError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw failure("cannot be opened")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("cannot be examined") }
        var bytes = [UInt8](repeating: 0, count: max(0, Int(status.st_size) - offset))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress! + filled, buffer.count - filled, off_t(offset + filled))
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot be read") }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    /// Runs `body` while no other process changes the file. The lock ends with the process, however that ends.
    func locked<Result>(_ body: (LockedStoreFile) throws -> Result) throws -> Result {
        let folder = (path as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw StoreError(message: "the folder \(folder) of the simulated store cannot be made: \(error)")
        }
        let descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("cannot be opened for writing") }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure("cannot be locked") }
        }
        return try body(LockedStoreFile(file: self, descriptor: descriptor))
    }

    fileprivate func failure(_ what: String) -> StoreError {
        StoreError(message: "the simulated store \(path) \(what): \(String(cString: strerror(errno)))")
    }
}

/// The right to append, for as long as the lock is held.
struct LockedStoreFile {
    fileprivate let file: StoreFile
    fileprivate let descriptor: CInt

    /// Appends a whole line in one write, so that a kill at any instant leaves it whole or not there.
    func append(_ line: [UInt8]) throws(StoreError) {
        var count: Int
        repeat { count = write(descriptor, line, line.count) } while count < 0 && errno == EINTR
        guard count >= 0 else { throw file.failure("cannot be written") }
        guard count == line.count else {
            throw StoreError(message: "the simulated store \(file.path) took only \(count) of \(line.count) bytes")
        }
    }
}
