import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// A connection to a hub of which a test sends and sees every part.
struct Connection {
    /// An answer, read to its end.
    struct Whole {
        var head: HTTPResponseHead
        var body: [UInt8]

        var status: Int { Int(head.status.code) }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// The connection ended before the answer did.
    struct Cut: Error {}

    typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    let outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    private var parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator

    /// Opens one, hands it to the test and closes it.
    static func with<T>(_ hub: TestHub, _ test: (inout Connection) async throws -> T) async throws -> T {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: hub.client.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try Channel(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = Connection(outbound: outbound, parts: inbound.makeAsyncIterator())
            return try await test(&connection)
        }
    }

    /// Sends a request's head.
    /// - Parameter length: bytes of the body; nil sends it in chunks.
    func begin(
        _ method: String, _ path: String, length: Int?, headers: [(String, String)] = []
    ) async throws {
        var fields = HTTPHeaders(
            [("Host", "hub.test"), ("Authorization", "Bearer invoke")] + headers)
        if let length { fields.add(name: "Content-Length", value: "\(length)") }
        if length == nil { fields.add(name: "Transfer-Encoding", value: "chunked") }
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: method), uri: path, headers: fields)
        try await outbound.write(.head(head))
    }

    func send(_ bytes: [UInt8]) async throws { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: bytes)))) }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func end() async throws { try await outbound.write(.end(nil)) }

    /// Waits for an answer's head.
    mutating func head() async throws -> HTTPResponseHead {
        guard case .head(let head) = try await part() else { throw Cut() }
        return head
    }

    /// Waits for the next piece of the answer's body; nil at its end.
    /// - Throws: when the connection ends first.
    mutating func piece() async throws -> String? {
        switch try await part() {
        case .body(let bytes): return String(buffer: bytes)
        case .end: return nil
        case .head: throw Cut()
        }
    }

    /// Reads an answer to its end.
    mutating func answer() async throws -> Whole {
        let head = try await head()
        var body: [UInt8] = []
        while case .body(let bytes) = try await part() { body += bytes.readableBytesView }
        return Whole(head: head, body: body)
    }

    /// Makes a call with a body that is there as a whole.
    mutating func call(
        _ method: String, _ path: String, _ body: [UInt8] = [], chunked: Bool = false,
        headers: [(String, String)] = []
    ) async throws -> Whole {
        try await begin(method, path, length: chunked ? nil : body.count, headers: headers)
        if !body.isEmpty { try await send(body) }
        try await end()
        return try await answer()
    }

    private mutating func part() async throws -> HTTPClientResponsePart {
        guard let part = try await parts.next() else { throw Cut() }
        return part
    }
}
