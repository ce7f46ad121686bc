import Foundation
import OsirisDiagnostics

extension Fault {
    /// An error of a shared store as the fault it means.
    static func shared(_ error: any Error, at location: String, writing: Bool) -> any Error {
        guard let error = error as? SharedStoreError else { return error }
        let what = writing ? "written" : "read"
        var help = error.help ?? "check that the service runs and that you may use it, then run the same command again"
        if writing { help = "what was recorded before is safe; " + help }
        return DiagnosticsError([
            Diagnostic(
                writing ? .stateWrite : .stateUnreadable, "the state \(location) cannot be \(what): \(error.message)",
                help: help)
        ])
    }

    /// A stored value that is not ours.
    static func stored(_ fault: StoredFault, key: String, at location: String) -> DiagnosticsError {
        if let version = fault.newerVersion {
            return tooNew("\(location) (\(key))", version: version, supported: LogFormat.version)
        }
        return DiagnosticsError([
            Diagnostic(
                .stateDamaged, "the state \(location) is damaged at \(key): \(fault.reason)",
                help: "nothing was changed; put the keys back from a backup of the service")
        ])
    }
}
