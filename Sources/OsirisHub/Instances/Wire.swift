import HTTPTypes
import NIOCore

/// How calls travel to an instance and their answers back, one at a time.
protocol Wire: Sendable {
    /// Sends a call and takes its answer.
    /// - Parameters:
    ///   - answer: gets the head and the pieces of an answer that is not kept as a whole.
    ///   - limit: longest body of the answer, bytes.
    /// - Returns: `answered`, `streamed`, or what the function says went wrong.
    /// - Throws: `WireFault`.
    func run(_ call: InstanceCall, to answer: AnswerStream, limit: Int) async throws -> Instance.Outcome
}

/// A call as an instance gets it.
struct InstanceCall: Sendable {
    /// Letters that need no escape anywhere.
    var id: String
    var method: HTTPRequest.Method
    var path: String
    var headers: HTTPFields
    var body: CallBody
}

/// Why an instance can take no more calls.
enum WireFault: Error, Sendable, Equatable {
    /// It closed its pipes.
    case closed
    /// Its answer is over the limit.
    case tooLarge
    /// What it says is no answer, and why.
    case broken(String)
}
