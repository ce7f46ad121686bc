import Foundation

/// An answer that is not a success: its HTTP status and the body every error has.
public struct HubError: Error, Sendable, Equatable {
    /// HTTP status, 400...599.
    public var status: Int
    /// Stable word for programs, as in `function_error`.
    public var code: String
    /// For people.
    public var message: String
    /// True if the same request may succeed later, unchanged.
    public var retryable: Bool
    /// Seconds after which it is worth another try, for the header `Retry-After` (RFC 9110, section 10.2.3); nil: none.
    public var retryAfter: Int?
    /// Each fault on its own, when the request had several; else empty.
    public var details: [String]

    public init(
        _ status: Int, _ code: String, _ message: String, retryable: Bool = false, retryAfter: Int? = nil,
        details: [String] = []
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retryAfter = retryAfter
        self.details = details
    }

    /// The hub takes no more calls. Another one on the same folder takes over after the drain, at the latest.
    static var shuttingDown: HubError {
        HubError(503, "shutting_down", "The hub is shutting down.", retryable: true, retryAfter: 10)
    }

    /// The content of the hub is being replaced by that of a backup.
    static var restoring: HubError {
        HubError(503, "restoring", "A backup is being restored.", retryable: true, retryAfter: 10)
    }

    private struct Body: Encodable {
        struct Inner: Encodable {
            var code: String
            var message: String
            var retryable: Bool
            var callId: String
            var details: [String]?
        }
        var error: Inner
    }

    /// `{"error":{"code","message","retryable","callId"}}` as JSON bytes, `details` added when there are some.
    public func body(callId: String) -> [UInt8] {
        let body = Body(
            error: .init(
                code: code, message: message, retryable: retryable, callId: callId,
                details: details.isEmpty ? nil : details))
        return (try? HubJSON.encode(body)) ?? Array(#"{"error":{"code":"internal"}}"#.utf8)
    }
}

/// How the hub writes JSON: keys sorted, slashes bare.
enum HubJSON {
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    static func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8]) throws -> T {
        try JSONDecoder().decode(type, from: Data(bytes))
    }

    /// The document on one line, or nil if it is not JSON in UTF-8. An empty body is `{}`.
    static func oneLine(_ bytes: [UInt8]) -> [UInt8]? {
        if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) { return Array("{}".utf8) }
        // The parser would also take UTF-16, which has NUL bytes; what goes on to a function is UTF-8 only.
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil,
            (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
        else { return nil }
        // A line break inside a JSON string is not allowed, so every one left stands between tokens.
        return bytes.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
    }
}
