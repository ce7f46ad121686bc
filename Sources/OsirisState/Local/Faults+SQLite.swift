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
        default:
            return writing ? write(path, reason) : unreadable(path, reason)
        }
    }
}
