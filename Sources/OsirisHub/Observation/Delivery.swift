import OsirisTransport

/// POSTs the hub's own messages, such as callbacks and webhooks, to addresses that users named.
///
/// It follows no redirect, takes no credentials from the environment, uses no proxy, and reads little of the answer. It
/// tries once: who needs more asks again, by the `Outcome`.
struct Delivery: Sendable {
    /// Largest answer that is read, bytes. A longer one counts as none, as its end is not waited for.
    static let mostAnswerBytes = 1_048_576

    struct Message: Sendable {
        var url: String
        /// Besides `Content-Type`.
        var headers: [(name: String, value: String)] = []
        var contentType: String
        var body: [UInt8]
        /// For the whole exchange.
        var timeout: Duration = .seconds(10)
    }

    enum Outcome: Sendable, Equatable {
        /// Answered with 200...299.
        case delivered(status: Int)
        /// Answered with another status; `retryAfter` is in seconds, if the answer says it.
        case refused(status: Int, retryAfter: Int?)
        /// Not answered, and why; `isFinal` if it is of no use to try again.
        case failed(reason: String, isFinal: Bool)

        /// True if the same message may arrive later: no answer, 408, 429 or 5xx.
        var isWorthRetrying: Bool {
            switch self {
            case .delivered: false
            case .refused(let status, _): status == 408 || status == 429 || status >= 500
            case .failed(_, let isFinal): !isFinal
            }
        }
    }

    let rules: DeliveryRules
    private let client: any HTTPSending

    init(rules: DeliveryRules = DeliveryRules(), client: any HTTPSending = HTTPClient()) {
        self.rules = rules
        self.client = client
    }

    /// Sends a message once. A cancelled task ends the exchange; that is a failure worth another try.
    func post(_ message: Message) async -> Outcome {
        if let fault = rules.fault(message.url) { return .failed(reason: fault, isFinal: true) }
        let headers = message.headers.map { HTTPHeader($0.name, $0.value) }
        let request = HTTPRequest(
            "POST", message.url,
            headers: headers + [
                HTTPHeader("Content-Type", message.contentType), HTTPHeader("User-Agent", "osiris-hub"),
            ],
            body: message.body, timeout: message.timeout, maxBodySize: Self.mostAnswerBytes,
            mayReach: { !DeliveryRules.isRefused(address: $0) })
        do {
            let answer = try await client.send(request)
            if (200...299).contains(answer.status) { return .delivered(status: answer.status) }
            let retryAfter = answer[header: "Retry-After"].flatMap { Int($0) }.map { max(0, $0) }
            return .refused(status: answer.status, retryAfter: retryAfter)
        } catch let error as HTTPError {
            return .failed(reason: error.reason, isFinal: error.kind == .addressRefused)
        } catch {
            return .failed(reason: "cancelled", isFinal: false)
        }
    }
}
