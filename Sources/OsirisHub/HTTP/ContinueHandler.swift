import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers `Expect: 100-continue` (RFC 9110, section 10.1.1): a client such as curl waits for that before it sends a long
/// body.
final class ContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Requests that came and are not answered.
    private var open = 0
    private var isOwed = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let request) = unwrapInboundIn(data) {
            open += 1
            isOwed = request.headerFields[.expect]?.lowercased() == "100-continue"
            encourage(context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        // The final answer says it all.
        if case .head = part, open == 1 { isOwed = false }
        context.write(data, promise: promise)
        guard case .end = part else { return }
        open -= 1
        encourage(context)
    }

    /// Not while an earlier request on the connection is answered.
    private func encourage(_ context: ChannelHandlerContext) {
        guard isOwed, open == 1 else { return }
        isOwed = false
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }
}
