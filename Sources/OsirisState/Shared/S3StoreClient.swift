import OsirisTransport

/// Sends signed requests to one bucket (https://docs.aws.amazon.com/AmazonS3/latest/API/), again and again for a while
/// where that can do no harm.
struct S3StoreClient: Sendable {
    private static let attempts = 5
    /// Before the second attempt; doubled for each further one, less up to a half by chance.
    private static let pause = Duration.milliseconds(200)

    let settings: S3StoreSettings
    let credentials: AWSCredentialCache
    let http: any HTTPSending

    private var location: String { settings.address.text }

    /// - Parameters:
    ///   - key: relative to the prefix; nil for the bucket itself.
    ///   - query: in canonical form: names sorted, values encoded.
    ///   - isRepeatable: asking twice does what asking once does. Anything else is sent again only after an answer, or a
    ///     fault, that means that nothing happened.
    /// - Returns: an answer of any status but those that are worth another attempt.
    func send(
        _ method: String, _ key: String?, query: String = "", headers: [HTTPHeader] = [], body: [UInt8]? = nil,
        isRepeatable: Bool
    ) async throws -> HTTPResponse {
        let path = key.map { "/" + settings.address.key($0) } ?? "/"
        var request = HTTPRequest(
            method, settings.base + path + (query.isEmpty ? "" : "?" + query), headers: headers, body: body,
            timeout: .seconds(15), sendsOnce: !isRepeatable)
        var attempt = 1
        while true {
            let failure: SharedStoreError
            let signer = try await signer()
            request.signing = signer.signing(region: settings.region, service: "s3")
            do {
                let response = try await http.send(request)
                if attempt == 1, Self.code(response) == "ExpiredToken" {
                    await credentials.forget(signer, of: AWSIdentity())
                    attempt += 1
                    continue
                }
                guard response.status >= 500, response.status != 501 else { return response }
                failure = self.failure(response, isRepeatable: isRepeatable)
            } catch let error as HTTPError {
                failure = self.failure(error, isRepeatable: isRepeatable)
                // Waited long enough.
                if error.kind == .timedOut { throw failure }
            }
            guard failure.kind == .unavailable, attempt < Self.attempts else { throw failure }
            try await Task.sleep(for: Self.pause * (1 << (attempt - 1)) * Double.random(in: 0.5...1))
            attempt += 1
        }
    }

    /// The service's name for an error; empty if it gives none.
    static func code(_ response: HTTPResponse) -> String {
        guard response.status >= 400, let root = XMLNode(parsing: response.body), root.name == "Error" else {
            return ""
        }
        return root.text("Code") ?? ""
    }

    private func signer() async throws -> AWSCredentials {
        do {
            return try await credentials.credentials(AWSIdentity(), region: settings.region)
        } catch let error as AWSCredentialsError {
            throw SharedStoreError(
                error.isPassing ? .unavailable : .denied, "for \(location) \(error.description)", help: error.help)
        }
    }

    private func failure(_ response: HTTPResponse, isRepeatable: Bool) -> SharedStoreError {
        let code = Self.code(response)
        let reason = "HTTP \(response.status)" + (code.isEmpty ? "" : " (\(code))")
        let didNothing = response.status == 503 && (code == "SlowDown" || code == "ServiceUnavailable")
        if isRepeatable || didNothing {
            return SharedStoreError(.unavailable, "\(location) cannot serve now: \(reason)", help: "try again later")
        }
        return SharedStoreError(.unknown, "\(location) did not say whether it took a write: \(reason)")
    }

    private func failure(_ error: HTTPError, isRepeatable: Bool) -> SharedStoreError {
        if error.kind == .tls {
            return SharedStoreError(
                .denied, "no TLS connection to \(location) at \(host): \(error.reason)",
                help: "check AWS_ENDPOINT_URL_S3 and the system's certificate authorities")
        }
        if error.kind == .tooLarge || error.kind == .other {
            return SharedStoreError(.other, "no answer from \(location) at \(host): \(error.reason)")
        }
        if isRepeatable || !error.sent {
            return SharedStoreError(
                .unavailable, "\(location) cannot be reached at \(host): \(error.reason)",
                help: "check the network, AWS_REGION and AWS_ENDPOINT_URL_S3")
        }
        return SharedStoreError(.unknown, "the answer to a write to \(location) was lost: \(error.reason)")
    }

    /// Scheme, name and port of the service.
    private var host: String { settings.base.split(separator: "/").prefix(2).joined(separator: "//") }

    /// What an answer means that is no success and nothing that the caller knows to read.
    func refusal(_ response: HTTPResponse) -> SharedStoreError {
        // Only the code: the rest of the answer may hold parts of the request.
        let code = Self.code(response)
        let reason = "HTTP \(response.status)" + (code.isEmpty ? "" : " (\(code))")
        switch (response.status, code) {
        case (_, "NoSuchBucket"):
            return SharedStoreError(
                .missing, "the bucket of \(location) does not exist at \(host)", help: "make it, or correct the URL")
        case (_, "RequestTimeTooSkewed"):
            return SharedStoreError(
                .denied, "\(location) refuses access: this machine's clock is wrong", help: "set it")
        case (301, _), (307, _), (_, "AuthorizationHeaderMalformed"):
            let region = response[header: "x-amz-bucket-region"].map { ": it is in \($0)" } ?? ""
            return SharedStoreError(
                .other, "the bucket of \(location) is not in region \(settings.region)\(region)",
                help: "set AWS_REGION to the bucket's region")
        case (_, "EntityTooLarge"), (413, _):
            return SharedStoreError(.tooLarge, "\(location) refuses a value that large")
        case (401, _), (403, _), (_, "ExpiredToken"), (_, "InvalidToken"):
            return SharedStoreError(
                .denied, "\(location) refuses access: \(reason)",
                help: "check the credentials, and that they may do s3:GetObject, s3:PutObject, s3:DeleteObject and "
                    + "s3:ListBucket")
        case (501, _):
            return S3Store.withoutConditions(location)
        default:
            return SharedStoreError(.other, "\(location) refuses the request: \(reason)")
        }
    }
}
