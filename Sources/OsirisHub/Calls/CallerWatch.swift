import Hummingbird
import NIOCore

/// What the handlers of a request know beside it: its connection.
struct HubContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// Cancels the work for a caller that closes its connection.
///
/// The server itself notices that only when it writes the answer, which a call that waits for an instance does not get
/// to for long.
enum CallerWatch {
    /// Does the work and watches the connection meanwhile.
    /// - Throws: what the work throws, as `CancellationError`.
    static func run<T: Sendable>(_ channel: any Channel, _ work: @escaping @Sendable () async throws -> T) async throws
        -> T
    {
        let task = Task { try await work() }
        let handler = Handler { task.cancel() }
        do {
            try await channel.pipeline.addHandler(handler, position: .first).get()
        } catch {
            // The connection is closed already.
            task.cancel()
        }
        defer { channel.pipeline.removeHandler(handler, promise: nil) }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    private final class Handler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
        typealias InboundIn = ByteBuffer

        private let closed: @Sendable () -> Void

        init(closed: @escaping @Sendable () -> Void) { self.closed = closed }

        /// The caller's half; it comes before the channel is inactive, as the server allows half-closed connections.
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { closed() }
            context.fireUserInboundEventTriggered(event)
        }

        func channelInactive(context: ChannelHandlerContext) {
            closed()
            context.fireChannelInactive()
        }
    }
}
