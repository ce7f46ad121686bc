import Synchronization

/// Counts calls by function, caller and hour until they are written down. Plain.
struct UsageCount: Sendable {
    struct Key: Sendable, Hashable {
        /// Beginning of the hour, seconds since 1970.
        var hour: Int
        var function: FunctionName
        var caller: String
    }

    struct Sum: Sendable, Equatable {
        var calls = 0
        var errors = 0
        var seconds = 0.0
        var bytesIn = 0
        var bytesOut = 0

        static func += (sum: inout Sum, other: Sum) {
            sum.calls += other.calls
            sum.errors += other.errors
            sum.seconds += other.seconds
            sum.bytesIn += other.bytesIn
            sum.bytesOut += other.bytesOut
        }
    }

    private(set) var sums: [Key: Sum] = [:]

    /// - Parameter now: seconds since 1970.
    mutating func add(_ call: CallReport, at now: Double) {
        sums[Self.key(call.function, call.caller, now), default: Sum()] += Sum(
            calls: 1, errors: call.isError ? 1 : 0, seconds: call.seconds, bytesIn: call.bytesIn,
            bytesOut: call.bytesOut)
    }

    /// Adds bytes to a call that was added before.
    mutating func add(bytesOut: Int, _ function: FunctionName, caller: String, at now: Double) {
        sums[Self.key(function, caller, now), default: Sum()].bytesOut += bytesOut
    }

    private static func key(_ function: FunctionName, _ caller: String, _ now: Double) -> Key {
        Key(hour: Int(now) / 3600 * 3600, function: function, caller: caller)
    }

    /// Takes everything, to write it down.
    mutating func take() -> [Key: Sum] {
        defer { sums = [:] }
        return sums
    }

    /// Puts back what could not be written.
    mutating func putBack(_ taken: [Key: Sum]) { sums.merge(taken) { $0 + $1 } }
}

extension UsageCount.Sum {
    static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum += right
        return sum
    }
}

/// What `GET /system/usage` sums by.
enum UsageGrouping: String, Sendable, CaseIterable {
    case function, caller, hour
}

/// One row of `GET /system/usage`. Of `hour`, `function` and `caller` it has what was asked for.
struct UsageRow: Sendable, Equatable, Encodable {
    /// Beginning of the hour, seconds since 1970.
    var hour: Int?
    var namespace: String?
    var name: String?
    /// The name of the callers' token.
    var caller: String?
    var calls: Int
    /// Answers of 500 and more.
    var errors: Int
    /// Time the calls took, together.
    var seconds: Double
    var bytesIn: Int
    var bytesOut: Int
}
