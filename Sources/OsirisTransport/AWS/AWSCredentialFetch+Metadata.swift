import Foundation
import OsirisModel

/// Credentials of the place the program runs at.
extension AWSCredentialFetch {
    /// Of this machine, or of what runs containers on it.
    private static func isNear(_ url: String) -> Bool {
        guard url.hasPrefix("http://"), let host = URLComponents(string: url)?.host else { return false }
        let bytes = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        let isLoopback = bytes.count == 4 && bytes[0] == 127 && !bytes.contains(nil)
        return isLoopback
            || ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]"].contains(host)
    }

    /// Of a container's task (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
    func container(_ settings: AWSSettings, _ attempts: inout [Attempt]) async throws -> AWSCredentials? {
        let url: String
        if let path = settings.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            url = "http://169.254.170.2" + path
        } else if let full = settings.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            url = full
        } else {
            attempts.append(Attempt("container", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set"))
            return nil
        }
        guard url.hasPrefix("https://") || Self.isNear(url) else {
            throw AWSCredentialsError(
                [Attempt("container", "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor of this machine")],
                help: "the token would be sent in clear to another machine: correct the variable")
        }
        var headers = [HTTPHeader("Accept", "application/json")]
        if let file = settings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            let bytes = await AWSThread.run { FileManager.default.contents(atPath: file) }
            guard let bytes else {
                throw AWSCredentialsError(
                    [Attempt("container", "its token file \(file) cannot be read")],
                    help: "check AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
            }
            let token = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            headers.append(HTTPHeader("Authorization", token))
        } else if let token = settings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") {
            headers.append(HTTPHeader("Authorization", token))
        }
        let response = try await send(
            local(HTTPRequest("GET", url, headers: headers, timeout: .seconds(5))), "container")
        return try Self.keys(response, "container", help: "check the task's role and its container's variables")
    }

    /// Of an EC2 instance's role, by version 2 of its metadata service
    /// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html).
    func instance(_ settings: AWSSettings, profile: String, _ attempts: inout [Attempt]) async throws
        -> AWSCredentials?
    {
        if settings.variable("AWS_EC2_METADATA_DISABLED")?.lowercased() == "true" {
            attempts.append(Attempt("instance metadata", "AWS_EC2_METADATA_DISABLED is true"))
            return nil
        }
        let values = settings.profile(profile) ?? [:]
        let mode =
            settings.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE") ?? values["ec2_metadata_service_endpoint_mode"]
        let standard = mode?.lowercased() == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
        let given =
            settings.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? values["ec2_metadata_service_endpoint"]
            ?? standard
        let base = (given.hasSuffix("/") ? String(given.dropLast()) : given) + "/latest"
        let token: HTTPResponse
        do {
            let ttl = HTTPHeader("x-aws-ec2-metadata-token-ttl-seconds", "21600")
            // Elsewhere than on EC2 nobody answers: that must not hold up those who have no credentials at all.
            token = try await http.send(
                local(HTTPRequest("PUT", base + "/api/token", headers: [ttl], body: [], timeout: .seconds(1))))
        } catch let error as HTTPError {
            attempts.append(Attempt("instance metadata", error.reason))
            return nil
        }
        guard token.status == 200 else {
            attempts.append(Attempt("instance metadata", "answered HTTP \(token.status) to the request for a token"))
            return nil
        }
        let headers = [HTTPHeader("x-aws-ec2-metadata-token", String(decoding: token.body, as: UTF8.self))]
        func get(_ path: String) async throws -> HTTPResponse {
            let url = base + "/meta-data/iam/security-credentials/" + path
            return try await send(
                local(HTTPRequest("GET", url, headers: headers, timeout: .seconds(5))), "instance metadata")
        }
        let roles = try await get("")
        let role = String(decoding: roles.body, as: UTF8.self).split(whereSeparator: \.isNewline).first
        guard roles.status == 200, let role else {
            attempts.append(Attempt("instance metadata", "the instance has no role"))
            return nil
        }
        return try Self.keys(
            try await get(FormBody.encode(String(role))), "instance metadata", help: "check the instance's role")
    }

    /// No proxy: it would get to see keys that are meant for this machine.
    private func local(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        request.mayReach = { _ in true }
        return request
    }

    private static func keys(_ response: HTTPResponse, _ source: String, help: String) throws -> AWSCredentials {
        let fields = (try? Value(plainJSON: response.body))?.mapValue
        let code = fields?["Code"]?.stringValue
        guard response.status == 200, code == nil || code == "Success",
            let accessKey = fields?["AccessKeyId"]?.stringValue,
            let secretKey = fields?["SecretAccessKey"]?.stringValue
        else {
            let shown = code.map { " (\($0))" } ?? ""
            throw AWSCredentialsError(
                [Attempt(source, "answered HTTP \(response.status)\(shown) without keys")], help: help)
        }
        return AWSCredentials(
            accessKey: accessKey, secretKey: secretKey, sessionToken: fields?["Token"]?.stringValue,
            expiry: fields?["Expiration"]?.stringValue.flatMap(date))
    }
}
