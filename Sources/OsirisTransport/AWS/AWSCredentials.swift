import Foundation

/// An access key, and until when it serves. Printing it shows no key.
public struct AWSCredentials: Sendable, Hashable {
    public var accessKey: String
    public var secretKey: String
    /// Of temporary credentials.
    public var sessionToken: String?
    /// Nil: until somebody takes them back.
    public var expiry: Date?

    public init(accessKey: String, secretKey: String, sessionToken: String? = nil, expiry: Date? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
        self.expiry = expiry
    }

    public func signing(region: String, service: String) -> AWSSigning {
        AWSSigning(
            accessKey: accessKey, secretKey: secretKey, sessionToken: sessionToken, region: region, service: service)
    }
}

extension AWSCredentials: CustomStringConvertible, CustomReflectable {
    public var description: String { "AWS credentials" + (expiry.map { " until \($0.formatted(.iso8601))" } ?? "") }
    // Keeps the keys out of dump() and of test failure messages.
    public var customMirror: Mirror { Mirror(self, children: ["expiry": expiry as Any]) }
}

/// Whose credentials: how a target or the environment chooses among the accounts of a user.
public struct AWSIdentity: Sendable, Hashable {
    /// A profile of the shared files, chosen in so many words: the environment's keys do not count then. Nil takes what
    /// the environment gives.
    public var profile: String?
    /// A role to assume with them.
    public var roleARN: String?

    public init(profile: String? = nil, roleARN: String? = nil) {
        self.profile = profile
        self.roleARN = roleARN
    }
}

/// Why there are no credentials. Holds no secret, and no text of a file or an answer that could hold one.
public struct AWSCredentialsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Each source that was asked, in order, and why it did not serve.
    public struct Attempt: Sendable, Hashable {
        public var source: String
        public var reason: String

        public init(_ source: String, _ reason: String) {
            self.source = source
            self.reason = reason
        }
    }

    public var attempts: [Attempt]
    /// The next step.
    public var help: String
    /// True if the source that should serve did not answer now, so that asking later may help.
    public var isPassing: Bool

    public init(_ attempts: [Attempt], help: String, isPassing: Bool = false) {
        self.attempts = attempts
        self.help = help
        self.isPassing = isPassing
    }

    public var description: String {
        "there are no AWS credentials: " + attempts.map { "\($0.source): \($0.reason)" }.joined(separator: "; ")
    }
}
