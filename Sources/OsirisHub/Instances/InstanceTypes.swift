import NIOCore

/// What goes into an instance and what comes out of it.
extension Instance {
    /// How to start one.
    struct Launch: Sendable {
        var command: ChildProcess.Command
        /// Made before the process, removed after it.
        var group: ControlGroup?
        /// True if the process that is launched only watches over the ones that run the function.
        var contained = false
        var wire: WireKind
        /// Longest answer, bytes.
        var outputBytes: Int
        /// What must not go to the log, nor into an error.
        var redaction = Redaction()
        /// Its secrets as files, to be removed when it has ended.
        var secretFolder: SecretFolder?
        /// Its files, to be removed when it has ended; nil if they are those of the version itself.
        var slot: WarmSlot?
    }

    /// How a call on it went.
    enum Outcome: Sendable, Equatable {
        /// The answer, as a whole.
        case answered(AnswerHead, ByteBuffer)
        /// The whole answer went to the caller in pieces.
        case streamed
        /// The request cannot be given to the handler.
        case refused(status: Int, code: String, message: String)
        case raised(type: String, message: String)
        /// It reached a limit, named by its key; the process was killed.
        case exceeded(limit: String, message: String)
        /// No answer in time; the process was killed.
        case timedOut(milliseconds: Int)
        /// The answer was over the limit; the process was killed.
        case tooLarge
        /// The process ended, or spoke nonsense and was killed.
        case died(String)
        /// It had ended before the call was sent.
        case notSent

        /// True if the instance takes the next call.
        var leavesInstance: Bool {
            switch self {
            case .answered, .streamed, .refused, .raised: true
            case .exceeded, .timedOut, .tooLarge, .died, .notSent: false
            }
        }

        /// Without secrets in what the function raised.
        func redacted(_ redaction: Redaction) -> Outcome {
            switch self {
            case .raised(let type, let message): .raised(type: type, message: redaction.apply(message))
            case .exceeded(let limit, let message): .exceeded(limit: limit, message: redaction.apply(message))
            case .refused(let status, let code, let message):
                .refused(status: status, code: code, message: redaction.apply(message))
            case .answered, .streamed, .timedOut, .tooLarge, .died, .notSent: self
            }
        }
    }

    /// How it went to give a function to an instance that was started without one.
    enum Taking: Sendable, Equatable {
        case taken
        /// The function must be there when its interpreter starts.
        case refused
        /// It had ended, or did not answer.
        case gone
    }

    /// How the process ended.
    struct End: Sendable {
        var reason: String
        /// True if the hub killed it for what a call did.
        var excused: Bool
    }
}
