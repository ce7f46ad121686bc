import CLibCrypto
import Foundation
import OsirisModel

/// Credentials that other programs of the user hold.
extension AWSCredentialFetch {
    /// What a program prints (https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html).
    func process(_ command: String, profile: String, environment: [String: String]) async throws -> AWSCredentials {
        let place = "credential_process of profile `\(profile)`"
        func refusal(_ reason: String, _ help: String) -> AWSCredentialsError {
            // Neither its arguments nor its output: both may hold secrets.
            AWSCredentialsError([Attempt(place, reason)], help: help)
        }
        let run = await AWSThread.run { ShellRun(command, environment: environment, timeout: .seconds(60)) }
        guard run.status == 0 else {
            throw refusal(run.problem, "run its command in a shell to see what it says")
        }
        let fields = (try? Value(plainJSON: run.output))?.mapValue
        guard let fields, fields["Version"]?.intValue == 1, let accessKey = fields["AccessKeyId"]?.stringValue,
            let secretKey = fields["SecretAccessKey"]?.stringValue
        else {
            throw refusal(
                "did not print version 1 with AccessKeyId and SecretAccessKey as JSON",
                "run its command in a shell to see what it prints")
        }
        let expiry = fields["Expiration"]?.stringValue
        let until = expiry.flatMap(Self.date)
        guard expiry == nil || until != nil else {
            throw refusal("printed an Expiration that is no time", "it must be as 2026-01-02T03:04:05Z")
        }
        return AWSCredentials(
            accessKey: accessKey, secretKey: secretKey, sessionToken: fields["SessionToken"]?.stringValue, expiry: until
        )
    }

    /// A role of IAM Identity Center, with the token that `aws sso login` left
    /// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html,
    /// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html). The token is not
    /// renewed here.
    func singleSignOn(_ settings: AWSSettings, _ values: [String: String], profile: String) async throws
        -> AWSCredentials?
    {
        guard values["sso_session"] != nil || values["sso_start_url"] != nil else { return nil }
        let place = "SSO login of profile `\(profile)`"
        let session = values["sso_session"].flatMap { settings.config.ssoSessions[$0]?.values } ?? values
        guard let account = values["sso_account_id"], let role = values["sso_role_name"],
            let start = session["sso_start_url"], let region = session["sso_region"], AWSServiceName.isRegion(region)
        else {
            throw AWSCredentialsError(
                [Attempt(place, "is not complete")],
                help: "it needs sso_account_id, sso_role_name, and sso_start_url and sso_region there or in its session"
            )
        }
        let login = "run `aws sso login --profile \(profile)`"
        let name = Self.sha1(values["sso_session"] ?? start)
        let path = "\(settings.home)/.aws/sso/cache/\(name).json"
        let bytes = await AWSThread.run { FileManager.default.contents(atPath: path) }
        let cached = bytes.flatMap { try? Value(plainJSON: $0) }?.mapValue
        guard let cached, let token = cached["accessToken"]?.stringValue,
            let expiry = cached["expiresAt"]?.stringValue.flatMap(Self.date)
        else {
            throw AWSCredentialsError([Attempt(place, "there is no login in \(path)")], help: login)
        }
        guard expiry > now() else {
            throw AWSCredentialsError(
                [Attempt(place, "ended \(expiry.formatted(.iso8601)); osiris does not renew it")], help: login)
        }
        let service = AWSServiceName(host: "portal.sso", setting: "sso")
        let base = settings.configuredEndpoint(service, profile: profile) ?? service.endpoint(region: region)
        let query = "account_id=\(FormBody.encode(account))&role_name=\(FormBody.encode(role))"
        let response = try await send(
            HTTPRequest(
                "GET", "\(base)/federation/credentials?\(query)",
                headers: [HTTPHeader("x-amz-sso_bearer_token", token)],
                timeout: .seconds(15)), place)
        let keys = (try? Value(plainJSON: response.body))?.mapValue?["roleCredentials"]?.mapValue
        guard response.status == 200, let keys, let accessKey = keys["accessKeyId"]?.stringValue,
            let secretKey = keys["secretAccessKey"]?.stringValue
        else {
            throw AWSCredentialsError(
                [Attempt(place, "answered HTTP \(response.status)")],
                help: "\(login), and check that role \(role) of account \(account) is yours")
        }
        return AWSCredentials(
            accessKey: accessKey, secretKey: secretKey, sessionToken: keys["sessionToken"]?.stringValue,
            expiry: keys["expiration"]?.intValue.map { Date(timeIntervalSince1970: Double($0) / 1_000) })
    }

    /// The name of a login's file. No secret depends on it.
    private static func sha1(_ text: String) -> String {
        let input = Array(text.utf8)
        var output = [UInt8](repeating: 0, count: 20)
        EVP_Digest(input, input.count, &output, nil, EVP_sha1(), nil)
        return Digest.hex(output)
    }
}
