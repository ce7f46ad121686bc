import Foundation

/// Looks for credentials where every AWS tool does, in the same order
/// (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html): the environment's keys; what the
/// profile says (a role to assume, web identity, SSO, keys of the credentials file, a process, keys of the config file);
/// the container; the metadata of an EC2 instance.
///
/// A source that is not set up is passed over. One that is set up and does not serve ends the search: the next one would
/// answer with somebody else's rights.
struct AWSCredentialChain: Sendable {
    let settings: AWSSettings
    let fetch: AWSCredentialFetch
    /// Where STS is asked.
    let region: String

    typealias Attempt = AWSCredentialsError.Attempt

    /// - Throws: `AWSCredentialsError`; `CancellationError`.
    func find(_ identity: AWSIdentity) async throws -> AWSCredentials {
        let found = try await first(identity)
        guard let role = identity.roleARN else { return found }
        return try await assume(role, with: found, values: [:], profile: identity.profile)
    }

    private func first(_ identity: AWSIdentity) async throws -> AWSCredentials {
        var attempts: [Attempt] = []
        if identity.profile != nil {
            attempts.append(Attempt("environment", "a profile was chosen"))
        } else if let found = try environmentKeys(&attempts) {
            return found
        }
        let profile = settings.profileName(identity.profile)
        let isNamed = identity.profile != nil || settings.variable("AWS_PROFILE", "AWS_DEFAULT_PROFILE") != nil
        if settings.profile(profile) == nil, isNamed {
            attempts.append(Attempt("profile `\(profile)`", "neither shared file has it"))
            throw AWSCredentialsError(attempts, help: "name one of the profiles of `~/.aws/config`, or write this one")
        }
        if let found = try await of(profile, usesEnvironment: identity.profile == nil, visited: [], &attempts) {
            return found
        }
        if let found = try await fetch.container(settings, &attempts) { return found }
        if let found = try await fetch.instance(settings, profile: profile, &attempts) { return found }
        throw AWSCredentialsError(
            attempts,
            help:
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile of `~/.aws/config` that has keys, "
                + "a role or a login")
    }

    func environmentKeys(_ attempts: inout [Attempt]) throws -> AWSCredentials? {
        guard let accessKey = settings.variable("AWS_ACCESS_KEY_ID") else {
            attempts.append(Attempt("environment", "AWS_ACCESS_KEY_ID is not set"))
            return nil
        }
        guard let secretKey = settings.variable("AWS_SECRET_ACCESS_KEY") else {
            attempts.append(Attempt("environment", "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"))
            throw AWSCredentialsError(attempts, help: "set both, or neither")
        }
        return AWSCredentials(
            accessKey: accessKey, secretKey: secretKey,
            sessionToken: settings.variable("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
            expiry: settings.variable("AWS_CREDENTIAL_EXPIRATION").flatMap(AWSCredentialFetch.date))
    }

    /// What a profile gives, or web identity by the environment; nil if nothing of it is set up.
    /// - Parameter visited: the profiles on whose behalf this one is asked, outermost first.
    func of(
        _ profile: String, usesEnvironment: Bool, visited: [String], _ attempts: inout [Attempt]
    ) async throws -> AWSCredentials? {
        let values = settings.profile(profile) ?? [:]
        let place = "profile `\(profile)`"
        let isEnd = visited.last == profile || (!visited.isEmpty && values["aws_access_key_id"] != nil)
        if values["role_arn"] != nil, values["web_identity_token_file"] == nil, !isEnd {
            return try await role(of: profile, values, visited: visited)
        }
        if let found = try await webIdentity(values, profile, usesEnvironment: usesEnvironment) { return found }
        if let found = try await fetch.singleSignOn(settings, values, profile: profile) { return found }
        for (file, section) in [
            ("credentials file", settings.credentials.profiles[profile]), ("", nil),
            ("config file", settings.config.profiles[profile]),
        ] {
            if file.isEmpty {
                if let command = values["credential_process"] {
                    return try await fetch.process(command, profile: profile, environment: settings.environment)
                }
            } else if let found = try keys(section?.values ?? [:], "\(place) of the \(file)") {
                return found
            }
        }
        let known = settings.profile(profile) != nil
        attempts.append(
            Attempt(place, known ? "has no keys, role, login or credential_process" : "neither shared file has it"))
        return nil
    }

    private func keys(_ values: [String: String], _ place: String) throws -> AWSCredentials? {
        guard let accessKey = values["aws_access_key_id"] else { return nil }
        guard let secretKey = values["aws_secret_access_key"] else {
            throw AWSCredentialsError(
                [Attempt(place, "has `aws_access_key_id` without `aws_secret_access_key`")], help: "write both there")
        }
        return AWSCredentials(
            accessKey: accessKey, secretKey: secretKey,
            sessionToken: values["aws_session_token"] ?? values["aws_security_token"])
    }
}
