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
                        LineHandler(
                            limit: limit,
                            events: { event in
                                continuation.yield(event)
                                return 0
                            }, end: { continuation.finish() }),
                        name: handlerName)
                }
            }
            .takingOwnershipOfDescriptors(input: output, output: input).get()
        return (channel, stream)
    }

    /// Hands the lines of the child's stderr to a closure, on NIO's thread, until the stream ends.
    /// - Parameter line: returns seconds for which nothing is read; the child then waits in its write once the pipe,
    ///   which holds 64 KiB, is full.
    static func follow(
        _ descriptor: Int32, limit: Int, line: @escaping @Sendable ([UInt8]) -> Double
    ) async throws -> any Channel {
        let cut = Array("[a line of more than \(limit) bytes was dropped]".utf8)
        return try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            // So that no more than one buffer comes after the one that was too much.
            .channelOption(.maxMessagesPerRead, value: 1)
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
    private let events: (LineFramer.Event) -> Double
    private let end: () -> Void

    /// - Parameter events: returns seconds for which nothing is read.
    init(limit: Int, events: @escaping (LineFramer.Event) -> Double, end: @escaping () -> Void) {
        framer = LineFramer(limit: limit)
        self.events = events
        self.end = end
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var hold = 0.0
        for event in framer.feed(unwrapInboundIn(data).readableBytesView) { hold = max(hold, events(event)) }
        if hold > 0 { pause(context.channel, hold) }
    }

    private func pause(_ channel: any Channel, _ seconds: Double) {
        guard let options = channel.syncOptions else { return }
        try? options.setOption(.autoRead, value: false)
        channel.eventLoop.scheduleTask(in: .milliseconds(Int64(seconds * 1000))) {
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
        if let rest = framer.finish() { _ = events(.line(rest)) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
