/// What is known of a call once it is answered; every count is made from these.
struct CallReport: Sendable, Equatable {
    var function: FunctionName
    /// The name of the caller's token, as `Caller.name` has it.
    var caller: String
    /// HTTP status of the answer.
    var status: Int
    /// From its arrival to its answer.
    var seconds: Double
    /// Bytes of the body that came in.
    var bytesIn = 0
    /// Bytes of the body that went out.
    var bytesOut = 0

    /// The caller is not to blame for these: the function or the hub failed.
    var isError: Bool { status >= 500 }
}
