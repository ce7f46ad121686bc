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
