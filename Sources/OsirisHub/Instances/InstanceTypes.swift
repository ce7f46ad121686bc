/// What goes into an instance and what comes out of it.
extension Instance {
    /// How to start one.
    struct Launch: Sendable {
        var command: ChildProcess.Command
        /// Made before the process, removed after it.
        var group: ControlGroup?
        /// True if the process that is launched only watches over the ones that run the function.
        var contained = false
        var wire: InstanceProtocol
        /// Longest answer, bytes.
        var outputBytes: Int
        /// What must not go to the log, nor into an error.
        var redaction = Redaction()
    }

    /// How a call on it went.
    enum Outcome: Sendable, Equatable {
        case output([UInt8])
        case raised(type: String, message: String)
        /// It reached a limit, named by its key; the process was killed.
        case exceeded(limit: String, message: String)
        /// No answer in time; the process was killed.
        case timedOut
        /// The answer was over the limit; the process was killed.
        case tooLarge
        /// The process ended, or spoke nonsense and was killed.
        case died(String)
        /// It had ended before the call was sent.
        case notSent
    }

    /// How the process ended.
    struct End: Sendable {
        var reason: String
        /// True if the hub killed it for what a call did.
        var excused: Bool
    }
}
