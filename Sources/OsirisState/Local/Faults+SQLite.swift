import Foundation
import GRDB
import OsirisDiagnostics

extension Fault {
    /// A failure of SQLite or of a file beside the database, as the fault it means. SQLite's message is used, never the statement's arguments.
    static func database(_ error: any Error, path: String, writing: Bool) -> any Error {
        if let failure = error as? PrivateFile.Failure { return write(path, failure.description) }
        guard let error = error as? DatabaseError else { return error }
        let reason = error.message ?? error.resultCode.description
        switch error.resultCode.primaryResultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH:
            return damaged(path, reason)
        // To read, SQLite has to make a file of shared memory.
        case .SQLITE_FULL: return write(path, reason)
        case .SQLITE_BUSY:
            return unreadable(
                path, "another process has held its file for 10 s; one that is stopped in the middle of a write does",
                help: "see who holds it (`fuser \(path)`), and end that process or let it go on")
        case .SQLITE_IOERR where isDiskFull(path): return write(path, "the disk is full")
        default:
            return writing ? write(path, reason) : unreadable(path, reason)
        }
    }

    private static func isDiskFull(_ path: String) -> Bool {
        var disk = statvfs()
        return statvfs(path, &disk) == 0 && disk.f_bavail == 0
    }
}
