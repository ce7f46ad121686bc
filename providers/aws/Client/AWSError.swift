import OsirisProviderKit
import OsirisTransport

/// Why a call to AWS has no result, after all tries that could help. Holds no secret.
public struct AWSError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// Refused for the rate, again and again.
        case throttled(retryAfter: Duration?)
        /// Not reached, or failed before it took effect.
        case transient
        /// A call that must not be repeated was sent, and its answer did not come: it may have taken effect.
        case answerLost
        case rejected
    }

    public var kind: Kind
    /// Such as `RunInstances`.
    public var action: String
    public var region: String
    /// The service's name for it, such as `InvalidGroup.NotFound`
    /// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html); empty if there is no answer.
    public var code: String
    /// The service's text, or ours if there is no answer or if the text could hold a secret.
    public var message: String
    /// Of HTTP; nil if there is no answer.
    public var status: Int?
    /// For AWS's support.
    public var requestID: String?
    /// The next step, where the error itself knows one.
    public var help: String?
    /// Tries made.
    public var attempts = 1
    /// Whether one of the tries may have taken effect, as its answer did not come. Says something of changes only.
    public var mayHaveTakenEffect = false

    public var description: String {
        var details = [code, requestID.map { "request \($0)" } ?? ""].filter { !$0.isEmpty }
        if attempts > 1 { details.append("\(attempts) tries") }
        let shown = details.isEmpty ? "" : " (\(details.joined(separator: ", ")))"
        return "\(action) in \(region) failed: \(message)\(shown)"
    }

    /// Whether the object is not, or not yet, known: `InvalidVpcID.NotFound` and its like.
    public var isNotFound: Bool {
        code.hasSuffix(".NotFound") || code == "ParameterNotFound"
    }

    /// As the engine takes it.
    ///
    /// Throttling and faults that pass come out of the client after all its tries, so they are `.rejected` here: if the
    /// engine tried again as well, the two would multiply. A lost answer stays one, for `resolve` to settle.
    /// - Parameters:
    ///   - thing: what the call was for, such as an address.
    ///   - attribute: the argument to blame, if the service refused the request itself.
    public func providerError(_ thing: String? = nil, attribute: String? = nil) -> ProviderError {
        let message = (thing.map { "\($0): " } ?? "") + description
        switch kind {
        case .answerLost: return ProviderError(.answerLost, message, help: help)
        case .throttled:
            return ProviderError(
                .rejected, message, help: "run `osiris apply` again later, or with a lower `--parallelism`")
        case .transient:
            return ProviderError(.rejected, message, help: help ?? "check the network, and run `osiris apply` again")
        case .rejected: return ProviderError(.rejected, message, help: help ?? advice, attribute: attribute)
        }
    }

    private var advice: String? {
        switch code {
        case "UnauthorizedOperation", "AccessDenied", "AccessDeniedException":
            "allow \(action) in the policy of these credentials"
        case "InsufficientInstanceCapacity": "choose another zone or instance type, or try later"
        case "OptInRequired": "subscribe to the image, or to the service, in the AWS console"
        default: code.hasSuffix("LimitExceeded") ? "ask AWS for a higher quota, or remove what is not needed" : nil
        }
    }
}
