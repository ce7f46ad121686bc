import NIOCore
import NIOHTTP1

/// Keeps what an instance answers until it is asked for, and reads no more meanwhile. Lives on its channel's event loop.
final class HTTPWireHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private let eventLoop: any EventLoop
    private var context: ChannelHandlerContext?
    private var parts: [HTTPClientResponsePart] = []
    private var taker: EventLoopPromise<[HTTPClientResponsePart]>?
    /// True if the channel wants to read and must wait.
    private var isHeld = false
    private var fault: WireFault?
    /// The call whose request is sent, and whether all of it was.
    private var call = (number: 0, isSent: true)

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(.closed)
        self.context = nil
    }

    // What comes.

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { parts.append(unwrapInboundIn(data)) }

    func channelReadComplete(context: ChannelHandlerContext) {
        deliver()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if parts.isEmpty { context.read() } else { isHeld = true }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(.closed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error is HTTPParserError ? .broken("It does not speak HTTP: \(error)") : .closed)
        context.close(promise: nil)
    }

    private func deliver() {
        guard let taker, !parts.isEmpty else { return }
        self.taker = nil
        let parts = parts
        self.parts = []
        taker.succeed(parts)
    }

    private func fail(_ fault: WireFault) {
        deliver()
        self.fault = self.fault ?? fault
        taker?.fail(self.fault ?? fault)
        taker = nil
    }

    /// The next parts, at least one.
    func take() -> EventLoopFuture<[HTTPClientResponsePart]> {
        let promise = eventLoop.makePromise(of: [HTTPClientResponsePart].self)
        taker = promise
        deliver()
        if let fault { fail(fault) }
        if isHeld {
            isHeld = false
            context?.read()
        }
        return promise.futureResult
    }

    // What goes.

    /// Sends a whole call.
    /// - Returns: the call's number.
    func send(_ head: HTTPRequestHead, _ body: ByteBuffer) -> Int {
        call = (call.number + 1, true)
        context?.write(wrapOutboundOut(.head(head)), promise: nil)
        if body.readableBytes > 0 { context?.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context?.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        return call.number
    }

    /// Sends the head of a call whose body comes in pieces.
    /// - Returns: the call's number.
    func begin(_ head: HTTPRequestHead) -> Int {
        call = (call.number + 1, false)
        context?.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        return call.number
    }

    /// Sends a piece of a call's body.
    /// - Returns: true once it is sent, false if that call wants no more.
    func write(_ piece: ByteBuffer, of number: Int) -> EventLoopFuture<Bool> {
        guard call == (number, false) else { return eventLoop.makeSucceededFuture(false) }
        guard let context else { return eventLoop.makeFailedFuture(WireFault.closed) }
        // An empty chunk would be the last one.
        guard piece.readableBytes > 0 else { return eventLoop.makeSucceededFuture(true) }
        let promise = eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(piece))), promise: promise)
        return promise.futureResult.map { true }
    }

    /// Ends a call's body, if it has not ended.
    func end(of number: Int, trailers: HTTPHeaders? = nil) -> EventLoopFuture<Void> {
        guard call == (number, false) else { return eventLoop.makeSucceededVoidFuture() }
        guard let context else { return eventLoop.makeFailedFuture(WireFault.closed) }
        call.isSent = true
        let promise = eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.end(trailers)), promise: promise)
        return promise.futureResult
    }
}
