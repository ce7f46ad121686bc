import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

extension ResponseBody {
    /// The same body, which tells at its end, whole or not, how many bytes of it were written.
    func counting(_ done: @escaping @Sendable (Int) -> Void) -> ResponseBody {
        let body = self
        return ResponseBody(contentLength: contentLength) { writer in
            let counter = Counter()
            defer { done(counter.bytes.withLock { $0 }) }
            try await body.write(CountingWriter(inner: writer, counter: counter))
        }
    }

    private final class Counter: Sendable { let bytes = Mutex(0) }

    private struct CountingWriter: ResponseBodyWriter {
        var inner: any ResponseBodyWriter
        let counter: Counter

        mutating func write(_ buffer: ByteBuffer) async throws {
            try await inner.write(buffer)
            counter.bytes.withLock { $0 += buffer.readableBytes }
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws { try await inner.finish(trailingHeaders) }
    }
}
