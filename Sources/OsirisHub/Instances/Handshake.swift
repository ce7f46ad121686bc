/// The first line of an instance that speaks HTTP. Plain.
enum Handshake: Sendable, Equatable {
    /// What one that was started without a function says before: it waits for one; has got it; should have had it from
    /// its start.
    static let warm = Array(#"{"warm":true}"#.utf8)
    static let taken = Array(#"{"taken":true}"#.utf8)
    static let refused = Array(#"{"taken":false}"#.utf8)

    case ready
    /// The handler cannot be used, and why.
    case failed(String)

    init(_ line: [UInt8]) {
        if line.starts(with: #"{"ready":true"#.utf8) {
            self = .ready
        } else if let failure = try? HubJSON.decode(Failure.self, line) {
            self = .failed("\(failure.error.type): \(failure.error.message)")
        } else {
            self = .failed("The handshake is broken.")
        }
    }

    private struct Failure: Decodable { var error: FunctionFailure }
}

/// What a starter tells of an exception.
struct FunctionFailure: Decodable, Sendable, Equatable {
    var type: String
    var message: String
    /// The limit that was reached, named by its key.
    var limit: String?
}
