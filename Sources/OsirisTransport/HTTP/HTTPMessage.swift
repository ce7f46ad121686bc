/// One HTTP request. Only `http` and `https` URLs; redirects are answers, not followed.
public struct HTTPRequest: Sendable {
    /// Upper case, such as `GET`.
    public var method: String
    public var url: String
    /// In the order given; a name may occur more than once.
    public var headers: [HTTPHeader]
    /// Nil sends none; an empty one sends `Content-Length: 0`.
    public var body: [UInt8]?
    /// For the whole exchange, connecting included.
    public var timeout: Duration
    /// Talk to this Unix domain socket; host and port of the URL then only fill the Host header.
    public var unixSocket: String?
    /// Largest body to accept, in bytes.
    public var maxBodySize: Int
    /// Go to the port of the URL on this host itself, through its sshd; nil goes straight to the URL. The URL's host name
    /// then only fills the Host header and is what a certificate is held against. No proxy is used.
    public var via: SSHRoute?
    /// Whom to trust and what to show on `https` URLs; nil trusts the system's CAs and shows nothing.
    public var tls: TLSFiles?
    /// Nil signs nothing.
    public var signing: AWSSigning?
    /// Never sends again by itself what may have reached the server, at the price of an error when the server closes a
    /// kept connection at that very moment. For requests whose repetition would be taken for another's.
    public var sendsOnce: Bool
    /// Sent instead of `body`, for one that is too large to hold in memory. Such a request is never sent again by itself.
    public var upload: HTTPUpload?
    /// Asked for the numeric IP address of the server before anything is sent to it; false ends the request as
    /// `HTTPError.Kind.addressRefused`. No proxy is used then, as its address would stand for the server's. Runs on the
    /// client's thread: it must not block. Nil allows every address.
    public var mayReach: (@Sendable (String) -> Bool)?
    /// Takes each piece of the body of a 2xx response as it comes; the response's own body is empty then, and
    /// `maxBodySize` does not count. Runs on the client's thread: while it blocks, as on a slow reader, nothing else of
    /// this client moves. What it throws ends the exchange and is thrown by `send`. Nil collects the body.
    public var receive: (@Sendable ([UInt8]) throws -> Void)?

    public init(
        _ method: String = "GET", _ url: String, headers: [HTTPHeader] = [], body: [UInt8]? = nil,
        timeout: Duration = .seconds(30), unixSocket: String? = nil, maxBodySize: Int = 64 << 20,
        tls: TLSFiles? = nil, signing: AWSSigning? = nil, sendsOnce: Bool = false,
        mayReach: (@Sendable (String) -> Bool)? = nil, receive: (@Sendable ([UInt8]) throws -> Void)? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.unixSocket = unixSocket
        self.maxBodySize = maxBodySize
        self.tls = tls
        self.signing = signing
        self.sendsOnce = sendsOnce
        self.mayReach = mayReach
        self.receive = receive
    }

    /// `GET https://host:443/path`, without user, password, query and fragment, which may hold secrets.
    var summary: String {
        let address = url.prefix { $0 != "?" && $0 != "#" }
        guard let start = address.range(of: "://")?.upperBound else { return method }
        let authority = address[start...].prefix { $0 != "/" }
        let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? authority
        return "\(method) \(address[..<start])\(host)\(address[authority.endIndex...])"
    }
}

/// A body that is read while it is sent.
public struct HTTPUpload: Sendable {
    /// Bytes in all.
    public var size: Int
    /// The next bytes, at most as many as asked for and at least one. Called on the client's thread, which it may block;
    /// what it throws ends the exchange and is thrown by `send`.
    public var read: @Sendable (_ most: Int) throws -> [UInt8]

    public init(size: Int, read: @escaping @Sendable (_ most: Int) throws -> [UInt8]) {
        self.size = size
        self.read = read
    }
}

/// One header field.
public struct HTTPHeader: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// One HTTP response, whatever its status.
public struct HTTPResponse: Sendable {
    public var status: Int
    /// In the order received.
    public var headers: [HTTPHeader]
    public var body: [UInt8]

    public init(status: Int, headers: [HTTPHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first header with this name, in any case; nil if there is none.
    public subscript(header name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
