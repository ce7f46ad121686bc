import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1

/// Calls as HTTP/1.1 over a connection that somebody else made: pipes, or a socket.
///
/// A body that is on its way goes in chunks. If it breaks off, its last chunk has the trailer `Osiris-Aborted`, so that
/// nobody takes it for the whole. A starter tells of errors in a header or trailer `Osiris-Error`.
final class HTTPWire: Wire {
    /// Longest answer that is kept until it is whole, bytes.
    static let mostWhole = 65_536
    /// Longest time that an instance may take to get rid of what nobody wants.
    static let drainTime = TimeAmount.seconds(1)

    private let channel: any Channel
    private let handler: NIOLoopBound<HTTPWireHandler>

    private init(_ channel: any Channel, _ handler: NIOLoopBound<HTTPWireHandler>) {
        self.channel = channel
        self.handler = handler
    }

    /// Takes a channel over.
    /// - Parameter replacing: name of the handler that has read what came before.
    static func open(_ channel: any Channel, replacing name: String? = nil) async throws -> HTTPWire {
        try await channel.eventLoop.flatSubmit {
            let removed = name.map { channel.pipeline.removeHandler(name: $0) }
            return (removed ?? channel.eventLoop.makeSucceededVoidFuture()).flatMapThrowing {
                let handler = HTTPWireHandler(eventLoop: channel.eventLoop)
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(handler)
                return HTTPWire(channel, NIOLoopBound(handler, eventLoop: channel.eventLoop))
            }
        }.get()
    }

    func run(_ call: InstanceCall, to answer: AnswerStream, limit: Int) async throws -> Instance.Outcome {
        let handler = handler
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: call.method.rawValue), uri: call.path,
            headers: Self.headers(of: call))
        let number: Int
        switch call.body {
        case .whole(let bytes):
            // Until it is under way, not until it is sent: a function may answer before it has read everything.
            number = try await channel.eventLoop.submit { handler.value.send(head, bytes) }.get()
        case .stream(let body, let length):
            number = try await channel.eventLoop.submit { handler.value.begin(head) }.get()
            // Not a child task: it may wait for the caller longer than the call takes.
            Task { await upload(body, length: length, of: number) }
        }
        let outcome = try await download(to: answer, limit: limit, hasBody: call.method != .head)
        if case .stream = call.body { try await endUpload(of: number) }
        return outcome
    }

    private static func headers(of call: InstanceCall) -> HTTPHeaders {
        var headers = HTTPHeaders(call.headers.map { ($0.name.rawName, $0.value) })
        headers.remove(name: "Content-Length")
        switch call.body {
        case .whole(let bytes):
            if bytes.readableBytes > 0 || call.headers[.contentLength] != nil || call.method == .post {
                headers.add(name: "Content-Length", value: String(bytes.readableBytes))
            }
        case .stream(_, let length):
            headers.add(name: "Transfer-Encoding", value: "chunked")
            if let length { headers.add(name: "Osiris-Content-Length", value: String(length)) }
        }
        return headers
    }
}

// The request's body.
extension HTTPWire {
    private func upload(_ body: RequestBody, length: Int?, of number: Int) async {
        let handler = handler
        var sent = 0
        var isWhole = false
        do {
            for try await piece in body {
                sent += piece.readableBytes
                // Waits until the instance has taken it. False: it has answered, and wants no more.
                guard try await channel.eventLoop.flatSubmit({ handler.value.write(piece, of: number) }).get() else {
                    return
                }
            }
            isWhole = length == nil || length == sent
        } catch {
            // The caller or the instance is gone; either way this is not the whole.
        }
        let trailers: HTTPHeaders? = isWhole ? nil : ["Osiris-Aborted": "1"]
        channel.eventLoop.execute { _ = handler.value.end(of: number, trailers: trailers) }
    }

    /// Cuts short what the function did not wait for, and sees that the instance gets over it.
    private func endUpload(of number: Int) async throws {
        let handler = handler
        let channel = channel
        let timer = channel.eventLoop.scheduleTask(in: Self.drainTime) { channel.close(promise: nil) }
        defer { timer.cancel() }
        do {
            try await channel.eventLoop.flatSubmit {
                handler.value.end(of: number, trailers: ["Osiris-Aborted": "1"])
            }.get()
        } catch {
            throw WireFault.broken("It did not read the rest of a request that it had answered.")
        }
    }
}

// The answer.
extension HTTPWire {
    private func download(to answer: AnswerStream, limit: Int, hasBody: Bool) async throws -> Instance.Outcome {
        var parts = Parts(channel: channel, handler: handler)
        guard case .head(let head) = try await parts.next() else { throw WireFault.broken("It has no head.") }
        let status = Int(head.status.code)
        let length = hasBody && head.status.mayHaveResponseBody ? head.headers.contentLength : 0
        if let length, length > limit { throw WireFault.tooLarge }
        let error = head.headers.first(name: "Osiris-Error")
        let fields = AnswerHead(status: status, headers: CallHeaders.fromFunction(head.headers))
        guard let length, length <= Self.mostWhole else {
            answer.begin(fields)
            return try await stream(&parts, to: answer, limit: limit)
        }
        var body = ByteBuffer()
        while case .body(var piece) = try await parts.next() { body.writeBuffer(&piece) }
        guard let error else { return .answered(fields, body) }
        return Self.outcome(of: error, status: status, body)
    }

    private func stream(_ parts: inout Parts, to answer: AnswerStream, limit: Int) async throws -> Instance.Outcome {
        var count = 0
        var timer: Scheduled<Void>?
        defer { timer?.cancel() }
        do {
            while true {
                switch try await parts.next() {
                case .body(let piece):
                    count += piece.readableBytes
                    if count > limit { throw WireFault.tooLarge }
                    if timer == nil, await !answer.give(piece) {
                        // The caller is gone. The call may still end in good order.
                        let channel = channel
                        timer = channel.eventLoop.scheduleTask(in: Self.drainTime) { channel.close(promise: nil) }
                    }
                case .end(let trailers):
                    guard let code = trailers?.first(name: "Osiris-Error") else { return .streamed }
                    return .raised(type: code, message: "It failed half way.")
                case .head: throw WireFault.broken("It has two heads.")
                }
            }
        } catch WireFault.closed where timer != nil {
            throw WireFault.broken("Its caller was gone, and it did not end.")
        }
    }

    private static func outcome(of code: String, status: Int, _ body: ByteBuffer) -> Instance.Outcome {
        guard let failure = try? HubJSON.decode(FunctionFailure.self, Array(body.readableBytesView)) else {
            return .raised(type: code, message: code)
        }
        if let limit = failure.limit { return .exceeded(limit: limit, message: "\(failure.type): \(failure.message)") }
        guard code == "function_error" else { return .refused(status: status, code: code, message: failure.message) }
        return .raised(type: failure.type, message: failure.message)
    }

    /// What comes from the instance, part by part.
    private struct Parts {
        let channel: any Channel
        let handler: NIOLoopBound<HTTPWireHandler>
        private var waiting: ArraySlice<HTTPClientResponsePart> = []

        init(channel: any Channel, handler: NIOLoopBound<HTTPWireHandler>) {
            self.channel = channel
            self.handler = handler
        }

        mutating func next() async throws -> HTTPClientResponsePart {
            while waiting.isEmpty {
                let handler = handler
                waiting = try await channel.eventLoop.flatSubmit { handler.value.take() }.get()[...]
            }
            return waiting.removeFirst()
        }
    }
}

extension HTTPHeaders {
    /// The body's length, if it is told.
    fileprivate var contentLength: Int? { first(name: "Content-Length").flatMap { Int($0) } }
}
