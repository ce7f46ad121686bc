import Foundation

/// Files that only their owner may read, written so that they are there whole or not at all.
enum PrivateFile {
    /// A failed system call, with the file and the reason.
    struct Failure: Error, CustomStringConvertible {
        let path: String
        let code: Int32

        /// Takes the reason from errno, so it must be made right behind the call.
        init(_ path: String) {
            code = errno
            self.path = path
        }

        var description: String { "\(path): \(String(cString: strerror(code)))" }
    }

    /// Makes a file with mode 0600 and waits until its bytes are on the disk.
    static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Failure(path) }
        defer { close(file) }
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw Failure(path) }
            start += max(count, 0)
        }
        guard fsync(file) == 0 else { throw Failure(path) }
    }

    /// Makes a file that is there whole or not at all; one that exists already stays as it is.
    static func create(_ bytes: [UInt8], at path: String) throws(Failure) {
        let draft = "\(path).new-\(getpid())"
        defer { unlink(draft) }
        try write(bytes, to: draft)
        try publish(draft, as: path)
    }

    /// Gives a finished file its name. Unlike rename, it does not replace what another process made meanwhile.
    static func publish(_ draft: String, as path: String) throws(Failure) {
        guard link(draft, path) == 0 || errno == EEXIST else { throw Failure(path) }
        try syncFolder(of: path)
    }

    /// Makes a new or removed name durable.
    static func syncFolder(of path: String) throws(Failure) {
        let folder = (path as NSString).deletingLastPathComponent
        let file = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw Failure(folder) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw Failure(folder) }
    }

    /// Runs `body` while no other process does so for a file of the same folder. The lock ends with the process.
    static func whileFolderIsLocked<Result>(of path: String, _ body: () throws -> Result) throws -> Result {
        let folder = (path as NSString).deletingLastPathComponent
        let file = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw Failure(folder) }
        defer { close(file) }
        while flock(file, LOCK_EX) != 0 {
            guard errno == EINTR else { throw Failure(folder) }
        }
        return try body()
    }
}
