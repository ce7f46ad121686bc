import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Lets a connection have the request that is already on its way answered when the server closes.
///
/// Hummingbird closes a connection without a request at once, and one with a request after its answer, which may be before
/// all of the request has come. What the kernel has and nobody read, or what comes later, resets the connection then, and
/// the caller cannot know whether the request ran (RFC 9112, 9.6).
final class LastRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long an idle connection is kept, less than the server waits for its connections.
    static let patience = TimeAmount.milliseconds(500)

    /// The server closes.
    private var isLast = false
    /// A request has begun to come and has not come to its end.
    private var isComing = false
    /// Told to the rest of the pipeline when this runs out while no request comes, or when one has come.
    private var held: Scheduled<Void>?

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent, !isLast else { return context.fireUserInboundEventTriggered(event) }
        isLast = true
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        held = context.eventLoop.scheduleTask(in: Self.patience) {
            let (handler, context) = bound.value
            if !handler.isComing { handler.tell(context) }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let isEnd = if case .end = unwrapInboundIn(data) { true } else { false }
        isComing = !isEnd
        context.fireChannelRead(data)
        // The pipeline knows of the request now, and closes after its answer.
        if isEnd { tell(context) }
    }

    /// Once, and only if the server closes.
    private func tell(_ context: ChannelHandlerContext) {
        guard let held else { return }
        held.cancel()
        self.held = nil
        context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isLast, case .head(var head) = unwrapOutboundIn(data), head.status.kind != .informational else {
            return context.write(data, promise: promise)
        }
        head.headerFields[.connection] = "close"
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) { held?.cancel() }
}
