import Foundation

/// Roles, through STS (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html,
/// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html).
extension AWSCredentialChain {
    /// The role of a profile, assumed with what its source gives.
    func role(of profile: String, _ values: [String: String], visited: [String]) async throws -> AWSCredentials {
        let place = "profile `\(profile)`"
        func refusal(_ reason: String, _ help: String) -> AWSCredentialsError {
            AWSCredentialsError([Attempt(place, reason)], help: help)
        }
        guard !visited.contains(profile) else {
            let circle = (visited + [profile]).joined(separator: " → ")
            throw refusal("its source_profile leads back to itself: \(circle)", "let one of them have keys")
        }
        if values["mfa_serial"] != nil {
            throw refusal(
                "its role asks for an MFA code, which osiris does not ask for",
                "get temporary keys with another tool, such as `aws configure export-credentials --profile \(profile) "
                    + "--format env`")
        }
        let source: AWSCredentials
        switch (values["source_profile"], values["credential_source"]) {
        case (let name?, nil):
            guard settings.profile(name) != nil else {
                throw refusal("its source_profile `\(name)` is in neither shared file", "name one that is")
            }
            var attempts: [Attempt] = []
            guard let found = try await of(name, usesEnvironment: false, visited: visited + [profile], &attempts) else {
                throw refusal("its source_profile `\(name)` has no credentials", "give that profile keys or a role")
            }
            source = found
        case (nil, let name?): source = try await named(name, profile)
        case (nil, nil):
            throw refusal("has a role_arn without source_profile or credential_source", "add one of them")
        case (_?, _?):
            throw refusal("has both source_profile and credential_source", "leave one of them out")
        }
        return try await assume(values["role_arn"] ?? "", with: source, values: values, profile: profile)
    }

    private func named(_ source: String, _ profile: String) async throws -> AWSCredentials {
        var attempts: [Attempt] = []
        let found: AWSCredentials?
        switch source {
        case "Environment": found = try environmentKeys(&attempts)
        case "EcsContainer": found = try await fetch.container(settings, &attempts)
        case "Ec2InstanceMetadata": found = try await fetch.instance(settings, profile: profile, &attempts)
        default:
            attempts.append(Attempt("profile `\(profile)`", "its credential_source `\(source)` is not known"))
            found = nil
        }
        if let found { return found }
        throw AWSCredentialsError(
            attempts, help: "credential_source is Environment, EcsContainer or Ec2InstanceMetadata")
    }

    /// - Parameter values: of the profile: session name, duration and external id, if it has them.
    func assume(
        _ role: String, with source: AWSCredentials, values: [String: String], profile: String?
    ) async throws -> AWSCredentials {
        var fields = [
            ("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", values["role_session_name"] ?? "osiris"),
        ]
        if let seconds = values["duration_seconds"] { fields.append(("DurationSeconds", seconds)) }
        if let id = values["external_id"] { fields.append(("ExternalId", id)) }
        return try await fetch.role(
            "AssumeRole", role, fields, at: try stsEndpoint(profile),
            signing: source.signing(region: stsRegion(profile), service: "sts"))
    }

    /// A token of another service for a role (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html).
    func webIdentity(_ values: [String: String], _ profile: String, usesEnvironment: Bool) async throws
        -> AWSCredentials?
    {
        func setting(_ variable: String, _ key: String) -> String? {
            (usesEnvironment ? settings.variable(variable) : nil) ?? values[key]
        }
        guard let file = setting("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file") else { return nil }
        guard let role = setting("AWS_ROLE_ARN", "role_arn") else {
            throw AWSCredentialsError(
                [Attempt("web identity", "there is a token file and no role")],
                help: "set AWS_ROLE_ARN, or `role_arn` in profile `\(profile)`")
        }
        let token = await AWSThread.run { FileManager.default.contents(atPath: file) }
        guard let token, !token.isEmpty else {
            throw AWSCredentialsError(
                [Attempt("web identity", "its token file \(file) cannot be read")],
                help: "check AWS_WEB_IDENTITY_TOKEN_FILE, or `web_identity_token_file` in profile `\(profile)`")
        }
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", setting("AWS_ROLE_SESSION_NAME", "role_session_name") ?? "osiris"),
            ("WebIdentityToken", String(decoding: token, as: UTF8.self)),
        ]
        return try await fetch.role(
            "AssumeRoleWithWebIdentity", role, fields, at: try stsEndpoint(profile), signing: nil)
    }

    private func stsRegion(_ profile: String?) -> String {
        let region = settings.region(profile: profile) ?? region
        return AWSServiceName.isRegion(region) ? region : self.region
    }

    private func stsEndpoint(_ profile: String?) throws -> String {
        let service = AWSServiceName(host: "sts")
        guard let configured = settings.configuredEndpoint(service, profile: profile) else {
            return service.endpoint(region: stsRegion(profile))
        }
        guard AWSServiceName.isEndpoint(configured) else {
            throw AWSCredentialsError(
                [Attempt("STS", "the endpoint URL for it is malformed")],
                help: "set AWS_ENDPOINT_URL_STS to http://HOST:PORT or https://HOST:PORT")
        }
        return configured
    }
}
