import OsirisModel
import OsirisTransport

/// Speaks to the API of one hub.
public struct HubClient: Sendable {
    /// One HTTP response, of any status.
    public struct Answer: Sendable {
        public var status: Int
        public var body: [UInt8]

        public init(status: Int, body: [UInt8]) {
            self.status = status
            self.body = body
        }

        /// The body as JSON; nil if it is none.
        public var json: Value? { try? Value(plainJSON: body) }

        /// The hub's stable word for what went wrong, such as `not_empty`; nil if the body has none.
        public var code: String? { json?.mapValue?["error"]?.mapValue?["code"]?.stringValue }

        /// What the hub says went wrong: its `message` or `error`, else the beginning of the body on one line.
        public var problem: String {
            let fields = json?.mapValue
            for name in ["message", "error"] {
                if let text = fields?[name]?.stringValue { return text }
                if let text = fields?[name]?.mapValue?["message"]?.stringValue { return text }
            }
            let text = String(decoding: body.prefix(300), as: UTF8.self)
            return String(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : Character($0) })
        }
    }

    /// Why there is no answer.
    public enum Failure: Error, Sendable, Equatable {
        /// Nobody listens there, or the way there is closed: nothing was sent.
        case unreachable(String)
        /// Sent, at least in part, and no whole answer in time.
        case noAnswer(String)
        /// What listens there is not the hub as far as its certificate tells: nothing was sent.
        case certificate(CertificateFault, String)

        /// In one sentence without a full stop.
        public var reason: String {
            switch self {
            case .unreachable(let reason), .noAnswer(let reason): reason
            case .certificate(let fault, let reason): "\(fault.advice.meaning) (\(reason))"
            }
        }

        /// The next step, where the cause is known.
        public var help: String? {
            if case .certificate(let fault, _) = self { fault.advice.help } else { nil }
        }
    }

    /// Base URL without a slash at the end.
    public let url: String
    private let token: String?
    private let authority: String?
    private let via: SSHRoute?
    private let http: any HTTPSending

    /// - Parameters:
    ///   - authority: the certificates to trust, PEM; needed for a hub with TLS. No other is trusted, the system's neither.
    ///   - via: the way to the hub's host, if its API is reached through the host's sshd.
    public init(
        url: String, token: String?, authority: String? = nil, via: SSHRoute? = nil, http: any HTTPSending
    ) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.token = token
        self.authority = authority
        self.via = via
        self.http = http
    }

    /// Calls `path`, which begins with a slash.
    /// - Parameters:
    ///   - body: Sent as it stands; clear secrets belong in it as `.string`.
    ///   - timeout: Longest wait for the whole answer.
    ///   - receive: Takes a 2xx answer's body piece by piece as it comes; see `HTTPRequest.receive`. Nil collects it.
    ///   - owner: Who changes the hub: a later holder of its lock makes the hub answer 412.
    /// - Throws: `Failure`, or `CancellationError`.
    public func call(
        _ method: String, _ path: String, body: Value? = nil, timeout: Duration = .seconds(10),
        receive: (@Sendable ([UInt8]) throws -> Void)? = nil, owner: Ownership = .reading
    ) async throws -> Answer {
        try await send(
            HTTPRequest(method, url + path, body: body?.plainJSON(), timeout: timeout, receive: receive),
            isJSON: body != nil, owner: owner)
    }

    /// Sends a body of any size.
    /// - Throws: as `call`, and what reading the body throws.
    public func upload(_ path: String, _ upload: HTTPUpload, timeout: Duration) async throws -> Answer {
        var request = HTTPRequest(
            "POST", url + path, headers: [HTTPHeader("Content-Type", "application/octet-stream")], timeout: timeout)
        request.upload = upload
        return try await send(request)
    }

    private func send(
        _ request: HTTPRequest, isJSON: Bool = false, owner: Ownership = .reading
    ) async throws -> Answer {
        var request = request
        var headers: [HTTPHeader] = []
        if owner.isFenced {
            headers.append(HTTPHeader("Osiris-Lineage", owner.lineage))
            headers.append(HTTPHeader("Osiris-Fence", String(owner.fencing)))
        }
        if let token { headers.append(HTTPHeader("Authorization", "Bearer \(token)")) }
        if isJSON { headers.append(HTTPHeader("Content-Type", "application/json")) }
        if url.hasPrefix("https:") && authority == nil {
            throw Failure.certificate(.untrusted, "the authority of its certificate is not known")
        }
        request.headers += headers
        request.via = via
        request.tls = authority.map { TLSFiles(authorityText: $0) }
        do {
            let response = try await http.send(request)
            return Answer(status: response.status, body: response.body)
        } catch let error as HTTPError {
            if let fault = error.certificate { throw Failure.certificate(fault, error.reason) }
            throw error.sent ? Failure.noAnswer(error.reason) : Failure.unreachable(error.reason)
        }
    }
}
