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
        let task = Task(executorPreference: EventLoops.tasks) { try await work() }
        let cancel: @Sendable () -> Void = { task.cancel() }
        return try await watching(channel, closed: cancel) {
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        }
    }

    /// Does the work here and tells when the caller closes its connection meanwhile.
    static func watching<T>(
        _ channel: any Channel, closed: @escaping @Sendable () -> Void, _ work: () async throws -> T
    ) async rethrows -> T {
        let handler = Handler(closed: closed)
        do {
            try await channel.pipeline.addHandler(handler, position: .first).get()
        } catch {
            // The connection is closed already.
            closed()
        }
        defer { channel.pipeline.removeHandler(handler, promise: nil) }
        return try await work()
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
