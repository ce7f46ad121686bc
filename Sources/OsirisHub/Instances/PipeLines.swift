import NIOCore
import NIOPosix

/// A child's pipes as lines: NIO reads and writes them, `LineFramer` cuts them.
enum PipeLines {
    /// Name of the handler that `open` puts into the pipeline; whoever goes on otherwise takes it out.
    static let handlerName = "lines"

    /// Serves the child's stdin and stdout.
    /// - Parameters:
    ///   - limit: longest line on stdout, bytes.
    ///   - ahead: lines kept that nobody has taken yet; the oldest stay. The protocol needs one.
    static func open(
        input: Int32, output: Int32, limit: Int, ahead: Int
    ) async throws -> (any Channel, AsyncStream<LineFramer.Event>) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: LineFramer.Event.self, bufferingPolicy: .bufferingOldest(ahead))
        let channel = try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        LineHandler(limit: limit, events: { continuation.yield($0) }, end: { continuation.finish() }),
                        name: handlerName)
                }
            }
            .takingOwnershipOfDescriptors(input: output, output: input).get()
        return (channel, stream)
    }

    /// Hands the lines of the child's stderr to a closure, on NIO's thread, until the stream ends.
    static func follow(
        _ descriptor: Int32, limit: Int, line: @escaping @Sendable ([UInt8]) -> Void
    ) async throws -> any Channel {
        let cut = Array("[a line of more than \(limit) bytes was dropped]".utf8)
        return try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = LineHandler(limit: limit) { event in
                        switch event {
                        case .line(let bytes): line(bytes)
                        case .overflow: line(cut)
                        }
                    } end: {
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor).get()
    }
}

private final class LineHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private var framer: LineFramer
    private let events: (LineFramer.Event) -> Void
    private let end: () -> Void

    init(limit: Int, events: @escaping (LineFramer.Event) -> Void, end: @escaping () -> Void) {
        framer = LineFramer(limit: limit)
        self.events = events
        self.end = end
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for event in framer.feed(unwrapInboundIn(data).readableBytesView) { events(event) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
        if let rest = framer.finish() { events(.line(rest)) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
