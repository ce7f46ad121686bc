import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Lets a connection have the request that is already on its way answered when the server closes.
///
/// Hummingbird closes a connection without a request at once. A request that the kernel has and nobody read yet is lost
/// then, and the caller cannot know whether it ran.
final class LastRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long an idle connection is kept, less than the server waits for its connections.
    static let patience = TimeAmount.milliseconds(500)

    /// The server closes.
    private var isLast = false
    /// Told to the rest of the pipeline when this runs out or a request came, whichever is first.
    private var held: Scheduled<Void>?

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent, !isLast else { return context.fireUserInboundEventTriggered(event) }
        isLast = true
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        held = context.value.eventLoop.scheduleTask(in: Self.patience) {
            context.value.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let isHead = if case .head = unwrapInboundIn(data) { true } else { false }
        context.fireChannelRead(data)
        if isHead, let held {
            held.cancel()
            self.held = nil
            // The pipeline knows of the request now, and closes after its answer.
            context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
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
