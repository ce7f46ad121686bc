import HTTPTypes

/// How an attempt went, and what follows from it. Plain.
struct CallOutcome: Sendable, Equatable {
    enum Meaning: Sendable, Equatable {
        /// Answered with a status below 400.
        case succeeded
        /// It would fail again.
        case failed
        /// It may go well later, and counts as a failure.
        case retry
        /// The function had no part in it: try again, as often as needed.
        case postponed
        /// There is no such function any more.
        case gone
    }

    var meaning: Meaning
    /// For people; nil for a success.
    var error: String?
    /// Seconds, if the answer asks for a pause.
    var retryAfter: Int?
    var version: Int?
    var instance: String?
    /// What is kept of the answer.
    var result: CallResult

    /// - Parameters:
    ///   - answer: what the function answered.
    ///   - body: its bytes.
    init(_ answer: FunctionAnswer, body: [UInt8]) {
        result = CallResult(status: answer.status, headers: answer.headers, body: body)
        // The server says it for what it sends.
        result.headers[.contentLength] = nil
        version = answer.version
        instance = answer.instance.isEmpty ? nil : answer.instance
        retryAfter = answer.headers[.retryAfter].flatMap { Int($0) }.map { max(0, $0) }
        meaning = Self.meaning(of: answer.status)
        error = answer.status < 400 ? nil : "The function answered \(answer.status)."
    }

    /// - Parameter error: why the hub has no answer of the function.
    init(_ error: HubError, callId: String) {
        result = CallResult(
            status: error.status, headers: [.contentType: "application/json"], body: error.body(callId: callId))
        retryAfter = error.retryAfter
        self.error = error.message
        switch (error.status, error.code) {
        case (404, _): meaning = .gone
        // Not sent: too many calls at once, or the hub ends.
        case (429, _), (_, "shutting_down"): meaning = .postponed
        default: meaning = Self.meaning(of: error.status)
        }
    }

    private static func meaning(of status: Int) -> Meaning {
        switch status {
        case ..<400: .succeeded
        case 408, 429, 500...: .retry
        default: .failed
        }
    }
}
