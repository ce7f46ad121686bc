/// What the caller is told about how a call went. Plain.
enum CallVerdict {
    /// What is wrong with a call that ended so; nil if it was answered.
    static func error(for outcome: Instance.Outcome, limits: FunctionSpec.Limits) -> HubError? {
        switch outcome {
        case .answered, .streamed:
            return nil
        case .refused(let status, let code, let message):
            return HubError(status, code, message)
        case .raised(let type, let message):
            return HubError(500, "function_error", message == type ? type : "\(type): \(message)")
        case .exceeded(let limit, let message):
            let most = number(limit, limits).map { " of \($0)" } ?? ""
            return HubError(
                500, "limit_exceeded", "The instance reached its limit\(most) for \(limit) and was killed: \(message)")
        case .timedOut(let milliseconds):
            return HubError(504, "timeout", "The call ran longer than \(milliseconds) ms and was killed.")
        case .tooLarge:
            return HubError(413, "output_too_large", "The answer is longer than \(limits.outputBytes) bytes.")
        case .died(let reason):
            // The reason may quote stderr, where a function may have printed a secret; that goes to the log only.
            let end = reason.prefix { $0 != ":" }
            return HubError(502, "instance_died", "The instance ended during the call (\(end)).", retryable: true)
        case .notSent:
            return HubError(503, "not_ready", "The instance ended before the call.", retryable: true)
        }
    }

    private static func number(_ limit: String, _ limits: FunctionSpec.Limits) -> String? {
        switch limit {
        case "processes": "\(limits.mostProcesses)"
        case "openFiles": "\(limits.mostOpenFiles)"
        case "disk": "\(limits.mostDiskBytes) bytes"
        case "memory": limits.memoryBytes.map { "\($0) bytes" }
        default: nil
        }
    }

    /// Why a call got no instance.
    static func error(for refusal: InstancePool.Refusal) -> HubError {
        switch refusal {
        case .moved: HubError(503, "not_ready", "The function is moving to another version.", retryable: true)
        case .notReady(let reason): HubError(503, "not_ready", reason, retryable: true)
        case .full:
            HubError(
                429, "too_many_calls", "As many calls as may wait for this function do.", retryable: true,
                retryAfter: 1)
        }
    }
}
