/// Sends HTTP requests. Providers take one, so that their tests need no network.
public protocol HTTPSending: Sendable {
    /// The response, of any status. Cancelling the task closes the transfer.
    /// - Throws: `HTTPError` if there is no whole response; `CancellationError`.
    func send(_ request: HTTPRequest) async throws -> HTTPResponse
}

/// Why there is no response. Holds neither headers nor bodies nor the query.
public struct HTTPError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// No connection: the request did not take effect, unless it was `sent` on an earlier, kept one.
        case couldNotConnect
        /// No whole response in time; the request may have taken effect if `sent`.
        case timedOut
        /// The connection ended before the whole response; the request may have taken effect if it was sent.
        case connectionLost(sent: Bool)
        /// The body is larger than `maxBodySize`.
        case tooLarge
        /// Handshake or certificate, of either side: the request did not take effect. A server that refuses the client's
        /// certificate may also hang up before its reason arrives: then it is `connectionLost`.
        case tls
        /// `HTTPRequest.mayReach` said no: nothing was sent.
        case addressRefused
        case other
    }

    public var kind: Kind
    /// True if at least a part of the request left, so that it may have taken effect.
    public var sent: Bool
    /// libcurl's number (https://curl.se/libcurl/c/libcurl-errors.html).
    public var curlCode: Int
    /// libcurl's text, such as `Connection refused`.
    public var reason: String
    /// Method, scheme, host and path of the request.
    public var request: String
    /// What made the client refuse the server's certificate, before it sent anything; nil if it was not that.
    public var certificate: CertificateFault?

    public init(
        kind: Kind, sent: Bool, curlCode: Int, reason: String, request: String, certificate: CertificateFault? = nil
    ) {
        self.kind = kind
        self.sent = sent
        self.curlCode = curlCode
        self.reason = reason
        self.request = request
        self.certificate = certificate
    }

    public var description: String { "\(request) failed: \(reason)" }
}
