import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// What an answer, or its absence, means for a call.
enum AWSAnswer {
    /// One error of a service, in each of the formats that it may have.
    struct Fault {
        var code = ""
        var message = ""
        var requestID: String?

        init(_ response: HTTPResponse) {
            if let root = XMLNode(parsing: response.body) {
                let error = root["Errors/Error"] ?? root["Error"]
                code = error?.text("Code") ?? ""
                message = error?.text("Message") ?? ""
                requestID = root.text("RequestID") ?? root.text("RequestId")
            } else if let fields = (try? Value(plainJSON: response.body))?.mapValue {
                // `com.amazon.coral.service#ThrottlingException`
                code = fields["__type"]?.stringValue?.split(separator: "#").last.map(String.init) ?? ""
                message = fields["message"]?.stringValue ?? fields["Message"]?.stringValue ?? ""
            }
            requestID = requestID ?? response[header: "x-amzn-RequestId"] ?? response[header: "x-amz-request-id"]
        }
    }

    /// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html#CommonErrors and the codes that Amazon's
    /// own clients take for throttling.
    private static let throttling: Set = [
        "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
        "RequestThrottled", "TooManyRequestsException", "BandwidthLimitExceeded", "SlowDown", "EC2ThrottledException",
        "PriorRequestNotComplete", "ProvisionedThroughputExceededException",
    ]
    /// Texts of these may hold the request as it was signed, and with it the session's token.
    private static let authentication: Set = [
        "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException",
        "AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException", "MissingAuthenticationToken",
        "MissingAuthenticationTokenException", "InvalidToken",
    ]
    static let expiry: Set = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"]

    /// - Returns: nil for success.
    static func error(_ response: HTTPResponse, _ call: AWSCall) -> AWSError? {
        if (200..<300).contains(response.status) { return nil }
        let fault = Fault(response)
        var error = AWSError(
            kind: kind(response, fault.code, call), action: call.action, region: call.place.region, code: fault.code,
            message: fault.message.isEmpty ? "HTTP \(response.status)" : shown(fault.message), status: response.status,
            requestID: fault.requestID)
        error.mayHaveTakenEffect = response.status >= 500 && !isRefused(response, fault.code)
        if authentication.contains(fault.code) {
            error.message = "the service does not accept the credentials"
            error.help = "check that they are of this account and its partition, and that this machine's clock is right"
        } else if expiry.contains(fault.code) {
            error.message = "the credentials have ended"
            error.help = "get new ones from where these came from, and run `osiris apply` again"
        }
        return error
    }

    static func error(_ failure: HTTPError, _ call: AWSCall) -> AWSError {
        let kind: AWSError.Kind
        switch failure.kind {
        case .tls, .addressRefused, .tooLarge, .other:
            kind = failure.sent && !call.isRepeatable ? .answerLost : .rejected
        default: kind = failure.sent && !call.isRepeatable ? .answerLost : .transient
        }
        return AWSError(
            kind: kind, action: call.action, region: call.place.region, code: "", message: failure.description,
            status: nil, requestID: nil, help: "check the region, the endpoint and the network",
            mayHaveTakenEffect: failure.sent)
    }

    static func cancelled(_ call: AWSCall) -> AWSError {
        AWSError(
            kind: call.isRepeatable ? .rejected : .answerLost, action: call.action, region: call.place.region, code: "",
            message: "it was cancelled", status: nil, requestID: nil)
    }

    private static func kind(_ response: HTTPResponse, _ code: String, _ call: AWSCall) -> AWSError.Kind {
        if isThrottled(response, code) { return .throttled(retryAfter: retryAfter(response)) }
        // EC2 answers with 500 where it has no room.
        if code.hasPrefix("Insufficient") { return .rejected }
        if isRefused(response, code) { return .transient }
        guard response.status >= 500 else { return .rejected }
        return call.isRepeatable ? .transient : .answerLost
    }

    private static func isThrottled(_ response: HTTPResponse, _ code: String) -> Bool {
        throttling.contains(code) || response.status == 429
    }

    /// Whether the service says that it did not begin.
    private static func isRefused(_ response: HTTPResponse, _ code: String) -> Bool {
        isThrottled(response, code) || code.hasPrefix("Insufficient")
            || response.status == 503 && ["Unavailable", "ServiceUnavailable"].contains(code)
            || ["RequestTimeout", "RequestTimeoutException"].contains(code)
    }

    /// `x-amz-retry-after` is in milliseconds, `Retry-After` (RFC 9110, 10.2.3) in seconds; dates are not taken.
    private static func retryAfter(_ response: HTTPResponse) -> Duration? {
        response[header: "x-amz-retry-after"].flatMap(Int.init).map { .milliseconds(max(0, $0)) }
            ?? response[header: "Retry-After"].flatMap(Int.init).map { .seconds(max(0, $0)) }
    }

    /// Without the long code that says to administrators why something is not allowed.
    private static func shown(_ message: String) -> String {
        let text = message.range(of: "Encoded authorization failure message").map { String(message[..<$0.lowerBound]) }
        let words = (text ?? message).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.hasSuffix(".") ? String(words.dropLast()) : words
    }
}
