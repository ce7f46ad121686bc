import Foundation
import OsirisModel

/// Asks the services that give credentials.
struct AWSCredentialFetch: Sendable {
    private static let attempts = 3

    let http: any HTTPSending
    let now: @Sendable () -> Date

    typealias Attempt = AWSCredentialsError.Attempt

    /// Sends it a few times, if no answer or one of 429 or 5xx comes.
    /// - Parameter source: whom the error names.
    func send(_ request: HTTPRequest, _ source: String) async throws -> HTTPResponse {
        var attempt = 1
        while true {
            let reason: String
            do {
                let response = try await http.send(request)
                guard response.status == 429 || response.status >= 500 else { return response }
                reason = "answered HTTP \(response.status)"
            } catch let error as HTTPError {
                reason = error.description
            }
            guard attempt < Self.attempts else {
                throw AWSCredentialsError(
                    [Attempt(source, reason)], help: "check that it can be reached, and try again", isPassing: true)
            }
            try await Task.sleep(for: .milliseconds(200 << attempt) * Double.random(in: 0.5...1))
            attempt += 1
        }
    }

    /// A role by STS. The answer's texts are not shown, but for the error's code.
    func role(
        _ action: String, _ role: String, _ fields: [(String, String)], at endpoint: String, signing: AWSSigning?
    ) async throws -> AWSCredentials {
        let source = "STS \(action) of \(role)"
        let request = HTTPRequest(
            "POST", endpoint + "/", headers: [HTTPHeader("Content-Type", FormBody.contentType)],
            body: FormBody.encode(fields), timeout: .seconds(15), signing: signing)
        let response = try await send(request, source)
        let answer = XMLNode(parsing: response.body)
        guard response.status == 200, let found = answer?["\(action)Result/Credentials"],
            let accessKey = found.text("AccessKeyId"), let secretKey = found.text("SecretAccessKey"),
            let token = found.text("SessionToken"), let expiry = found.text("Expiration").flatMap(Self.date)
        else {
            let code = answer?.text("Error/Code").map { " (\($0))" } ?? ""
            throw AWSCredentialsError(
                [Attempt(source, "answered HTTP \(response.status)\(code)")],
                help: "check the role's ARN, and that its trust policy names who assumes it")
        }
        return AWSCredentials(accessKey: accessKey, secretKey: secretKey, sessionToken: token, expiry: expiry)
    }

    /// A time as AWS writes it, such as `2026-01-02T03:04:05Z`, with or without parts of a second.
    static func date(_ text: String) -> Date? {
        let text = text.replacing("+00:00", with: "Z")
        return (try? Date(text, strategy: .iso8601))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}
