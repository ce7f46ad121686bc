import CLibCurl
import OsirisModel

/// Signs a request with AWS Signature Version 4, by libcurl
/// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
///
/// libcurl 7.88 signs path and query as they stand: the URL must be in canonical form, with the query's names sorted,
/// each with a `=`, and everything but letters, digits and `-._~` (and `/` in the path) percent-encoded. A request with a
/// body must name its Content-Type.
public struct AWSSigning: Sendable, Hashable {
    public var accessKey: String
    public var secretKey: String
    /// Of temporary credentials.
    public var sessionToken: String?
    /// Such as `us-east-1`.
    public var region: String
    /// Such as `s3`.
    public var service: String

    public init(accessKey: String, secretKey: String, sessionToken: String? = nil, region: String, service: String) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
        self.region = region
        self.service = service
    }

    /// What S3 wants to be signed besides what libcurl signs.
    func headers(for body: [UInt8]?) -> [HTTPHeader] {
        let hash = HTTPHeader("x-amz-content-sha256", Digest.hex(Digest.sha256Bytes(body ?? [])))
        return [hash] + (sessionToken.map { [HTTPHeader("x-amz-security-token", $0)] } ?? [])
    }
}

extension AWSSigning: CustomStringConvertible, CustomReflectable {
    public var description: String { "AWS signing for \(service) in \(region)" }
    // Keeps the keys out of dump() and of test failure messages.
    public var customMirror: Mirror { Mirror(self, children: ["region": region, "service": service]) }
}

extension EasyOptions {
    mutating func set(_ signing: AWSSigning) {
        set(CURLOPT_AWS_SIGV4, "aws:amz:\(signing.region):\(signing.service)")
        set(CURLOPT_USERNAME, signing.accessKey)
        set(CURLOPT_PASSWORD, signing.secretKey)
        // A large body asks for a 100 Continue here, as that header cannot be left out; it is not waited for.
        set(CURLOPT_EXPECT_100_TIMEOUT_MS, 1)
    }
}
