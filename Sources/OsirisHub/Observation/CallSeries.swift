import Foundation

/// Calls of each function by minute, for the last hour, in memory: what charts and the error-rate alert are made of.
/// Plain: the caller says what time it is, in seconds since 1970.
struct CallSeries: Sendable {
    /// Minutes kept.
    static let minutes = 60
    /// A duration is known to a tenth: each class is this much wider than the one before.
    private static let growth = 1.1
    /// The first class, seconds.
    private static let least = 0.0005

    /// One minute of one function.
    struct Minute: Sendable, Equatable, Encodable {
        /// Its beginning, seconds since 1970.
        var t: Int
        var calls: Int
        /// Answers of 500 and more.
        var errors: Int
        /// Seconds that half of the calls did not take longer than, to a tenth.
        var p50: Double
        /// The same for 99 of 100.
        var p99: Double
    }

    private struct Bin {
        var calls = 0
        var errors = 0
        /// Calls by class of duration.
        var classes: [Int: Int] = [:]
    }

    private var bins: [FunctionName: [Int: Bin]] = [:]

    /// Counts a call that is answered now.
    mutating func add(_ call: CallReport, at now: Double) {
        let minute = Self.minute(now)
        var bin = bins[call.function]?[minute] ?? Bin()
        bin.calls += 1
        if call.isError { bin.errors += 1 }
        bin.classes[Self.number(call.seconds), default: 0] += 1
        bins[call.function, default: [:]][minute] = bin
        if bins[call.function]?.count ?? 0 > Self.minutes {
            bins[call.function] = bins[call.function]?.filter { $0.key > minute - Self.minutes * 60 }
        }
    }

    mutating func forget(_ function: FunctionName) { bins[function] = nil }

    /// The minutes of a function that had calls, oldest first.
    /// - Parameter count: how many minutes back from now, the one that runs among them.
    func minutes(of function: FunctionName, last count: Int, at now: Double) -> [Minute] {
        let first = Self.minute(now) - (count - 1) * 60
        return (bins[function] ?? [:]).filter { $0.key >= first }.sorted { $0.key < $1.key }.map { start, bin in
            Minute(
                t: start, calls: bin.calls, errors: bin.errors, p50: Self.quantile(0.5, bin),
                p99: Self.quantile(0.99, bin))
        }
    }

    /// Calls and errors of a function over a time, to the minute.
    func total(of function: FunctionName, last seconds: Double, at now: Double) -> (calls: Int, errors: Int) {
        let first = Self.minute(now - seconds)
        return (bins[function] ?? [:]).filter { $0.key > first }.values
            .reduce((0, 0)) { ($0.0 + $1.calls, $0.1 + $1.errors) }
    }

    private static func minute(_ time: Double) -> Int { Int(time) / 60 * 60 }

    private static func number(_ seconds: Double) -> Int {
        seconds <= least ? 0 : Int((log(seconds / least) / log(growth)).rounded(.up))
    }

    private static func quantile(_ part: Double, _ bin: Bin) -> Double {
        var left = Int((part * Double(bin.calls)).rounded(.up))
        for (number, count) in bin.classes.sorted(by: { $0.key < $1.key }) {
            left -= count
            if left <= 0 { return least * pow(growth, Double(number)) }
        }
        return 0
    }
}
