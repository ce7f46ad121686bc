import OsirisModel
import OsirisProviderKit

/// Finds out what became of a create whose answer nobody recorded.
struct IntentSettler: Sendable {
    /// What is certain about it.
    enum Finding: Sendable {
        /// The object exists; `unfinished` says what its create did not come to, if anything.
        case exists(Attributes, unfinished: String?)
        case doesNotExist
    }

    let retry: RetryPolicy
    let sleep: @Sendable (Duration) async throws -> Void

    /// Asks until it is certain.
    ///
    /// "Cannot know yet" is asked again until the policy's deadline.
    /// - Throws: `ProviderError` if it stays unknown, is ambiguous, or the service refuses to say.
    func settle(_ request: OperationRequest, _ handler: any ResourceHandler) async throws -> Finding {
        var waited = Duration.zero
        var attempt = 0
        while true {
            attempt += 1
            var reason: String
            do {
                switch try await handler.resolve(request) {
                case .landed(let attributes): return .exists(attributes, unfinished: nil)
                case .unfinished(let attributes, let why): return .exists(attributes, unfinished: why)
                case .notLanded: return .doesNotExist
                case .unknownYet(let why): reason = why
                case .ambiguous(let candidates):
                    throw ProviderError(
                        .rejected,
                        "more than one object could be `\(request.address)`: \(candidates.joined(separator: "; "))",
                        help: "remove all but one of them, then run `osiris apply` again")
                }
            } catch let error as ProviderError where error.kind != .rejected && error.kind != .fenced {
                reason = error.message
            }
            let delay = retry.delay(after: .transient, attempt: min(attempt, retry.maxAttempts - 1), jitter: 0.5)!
            guard waited + delay <= retry.resolveDeadline else {
                throw ProviderError(
                    .rejected, "cannot find out whether it was created: \(reason)",
                    help: "run `osiris apply` again when the service answers: the same token is used, nothing doubles")
            }
            waited += delay
            try await sleep(delay)
        }
    }
}
