import HTTPTypes
import Hummingbird
import Synchronization

/// Reads a whole answer, up to a bound.
enum AnswerCollector {
    private struct TooLarge: Error {}

    /// - Throws: `HubError` 413 over the bound, in bytes; what the body throws.
    static func bytes(of body: ResponseBody, upTo most: Int) async throws -> [UInt8] {
        let collected = Collected()
        do {
            try await body.write(Writer(most: most, collected: collected))
        } catch is TooLarge {
            throw HubError(
                413, "output_too_large", "The answer of an asynchronous call may have \(most) bytes, and has more.")
        }
        return collected.bytes.withLock { $0 }
    }

    private final class Collected: Sendable { let bytes = Mutex<[UInt8]>([]) }

    private struct Writer: ResponseBodyWriter {
        let most: Int
        let collected: Collected

        mutating func write(_ buffer: ByteBuffer) async throws {
            let most = most
            try collected.bytes.withLock { bytes in
                guard bytes.count + buffer.readableBytes <= most else { throw TooLarge() }
                bytes += buffer.readableBytesView
            }
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
