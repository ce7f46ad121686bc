import Hummingbird
import NIOCore

/// A call's body, as far as it is here.
enum CallBody: Sendable {
    /// All of it, so it can be sent again.
    case whole(ByteBuffer)
    /// On its way, with its length if that is known.
    case stream(RequestBody, length: Int?)

    /// Longest body that is read before the call gets an instance, bytes.
    static let mostWhole = 65_536
    /// Longest body of a call over lines, bytes.
    static let mostLine = 8 * 1_048_576

    /// Reads as much as should be there before an instance is taken.
    /// - Throws: `HubError` 400, 408, 413.
    func prepared(for wire: WireKind) async throws -> CallBody {
        switch (self, wire) {
        case (.stream(let body, let length), .http):
            // A small one cannot keep an instance waiting.
            guard let length, length <= Self.mostWhole else { return self }
            return .whole(try await body.bytes(upTo: Self.mostWhole, told: length))
        case (.stream(let body, let length), .lines):
            return try await CallBody.whole(body.bytes(upTo: Self.mostLine, told: length)).prepared(for: .lines)
        case (.whole(let bytes), .lines):
            guard let line = HubJSON.oneLine(Array(bytes.readableBytesView)) else {
                throw HubError(400, "bad_request", "The body is not a JSON document in UTF-8.")
            }
            return .whole(ByteBuffer(bytes: line))
        case (.whole, .http):
            return self
        }
    }
}

extension RequestBody {
    /// Longest wait for a body that is read as a whole, seconds.
    static let patience = 30

    /// All of it.
    /// - Parameters:
    ///   - limit: most bytes.
    ///   - told: its length as the header has it.
    /// - Throws: `HubError` 413 over the limit, 408 when it does not arrive in time.
    func bytes(upTo limit: Int, told: Int?) async throws -> ByteBuffer {
        if told == 0 { return ByteBuffer() }
        let tooLarge = HubError(413, "request_too_large", "The request's body is longer than \(limit) bytes.")
        // Told before the body comes, it need not come.
        if let told, told > limit { throw tooLarge }
        return try await withThrowingTaskGroup(of: ByteBuffer.self) { group in
            group.addTask {
                do {
                    return try await self.collect(upTo: limit)
                } catch is NIOTooManyBytesError {
                    throw tooLarge
                }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(Self.patience))
                throw HubError(408, "request_too_slow", "The request's body did not arrive in time.", retryable: true)
            }
            defer { group.cancelAll() }
            return try await group.next() ?? ByteBuffer()
        }
    }
}
