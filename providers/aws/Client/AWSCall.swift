import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// One call: what is asked of which service and where, and whether it may be asked twice.
struct AWSCall: Sendable {
    enum Body: Sendable {
        case query(QueryParameters)
        /// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
        case json(Value, target: String)
    }

    var action: String
    var service: AWSService
    var place: AWSPlace
    var body: Body

    /// The beginnings of actions that make something new each time, unless they carry a token.
    private static let makers = ["Create", "Run", "Allocate", "Import", "Register", "Copy", "Attach", "Request"]

    /// Whether calling twice does what calling once does.
    var isRepeatable: Bool {
        guard case .query(let parameters) = body else { return true }
        if parameters["ClientToken"] != nil || parameters["DryRun"] == "true" || action == "CreateTags" { return true }
        return !Self.makers.contains { action.hasPrefix($0) }
    }

    /// Whether it only reads.
    var isRead: Bool { ["Describe", "Get", "List"].contains { action.hasPrefix($0) } }

    /// What has a limit of its own, per account and region.
    var api: String { "\(place) \(service.name.host) \(action)" }

    /// The buckets that EC2 documents for calls that read and calls that change
    /// (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html). An account may have larger ones, and
    /// other services have others: a refusal lowers them.
    var bucket: TokenBucket {
        isRead ? TokenBucket(burst: 100, perSecond: 20) : TokenBucket(burst: 50, perSecond: 5)
    }

    func request(to endpoint: String, signing: AWSSigning) -> HTTPRequest {
        var headers: [HTTPHeader]
        let bytes: [UInt8]
        switch body {
        case .query(let parameters):
            headers = [HTTPHeader("Content-Type", FormBody.contentType)]
            let sorted = parameters.values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
            bytes = FormBody.encode([("Action", action), ("Version", service.version)] + sorted)
        case .json(let value, let target):
            headers = [
                HTTPHeader("Content-Type", "application/x-amz-json-1.1"),
                HTTPHeader("X-Amz-Target", "\(target).\(action)"),
            ]
            bytes = value.plainJSON()
        }
        headers.append(HTTPHeader("User-Agent", "osiris/\(OsirisVersion.current)"))
        return HTTPRequest(
            "POST", endpoint + "/", headers: headers, body: bytes, timeout: .seconds(60), signing: signing,
            sendsOnce: !isRepeatable)
    }
}
