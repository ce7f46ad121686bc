import Foundation
import HTTPTypes
import OsirisModel

/// A request as the queue keeps it.
struct CallRequest: Sendable, Equatable {
    var method: String
    /// What follows the function's name, with the query.
    var path: String
    var headers: HTTPFields
    var body: [UInt8]

    /// What it takes, bytes.
    var bytes: Int {
        path.utf8.count + body.count + headers.reduce(0) { $0 + $1.name.rawName.utf8.count + $1.value.utf8.count }
    }

    /// The same for two requests that ask for the same. Headers that a client changes from one try to the next do not
    /// count.
    func digest(_ function: FunctionName, retries: Int, callback: String?) -> String {
        let parts = [
            function.description, method, path, headers[.contentType] ?? "", "\(retries)", callback ?? "",
            Digest.sha256(body),
        ]
        return Digest.sha256(parts.map { "\($0.utf8.count):\($0)" }.joined().utf8)
    }
}

/// An answer as it is kept.
struct CallResult: Sendable, Equatable {
    /// Longest body, bytes.
    static let mostBytes = 1_048_576

    var status: Int
    var headers: HTTPFields
    var body: [UInt8]
}

/// Which header fields are kept with a request or an answer.
enum EndToEnd {
    /// Those that are about one connection (RFC 9110, section 7.6.1), about the message's length, or secret.
    private static let dropped: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "host", "content-length", "expect", "authorization", "x-call-id",
        "x-callback-url", "x-retry-max",
    ]

    static func fields(_ fields: HTTPFields) -> HTTPFields {
        let named = Set((fields[.connection] ?? "").lowercased().split(separator: ",").map { $0.trimmed })
        return HTTPFields(
            fields.filter { !dropped.contains($0.name.canonicalName) && !named.contains($0.name.canonicalName) })
    }
}

extension Substring {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
}
