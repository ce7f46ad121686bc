import Synchronization

/// Counts what the hub does, under the names OpenFaaS dashboards know. `MetricsText` writes it.
final class Metrics: Sendable {
    /// Upper bounds of the duration buckets, seconds.
    static let buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    struct Series: Hashable {
        var function: String
        var code: Int
    }

    struct Histogram {
        /// Calls up to each bound.
        var counts = [Int](repeating: 0, count: Metrics.buckets.count)
        var sum = 0.0
        var total = 0
    }

    struct Counts {
        var calls: [Series: Histogram] = [:]
        /// Of every function that is there, from 0.
        var restarts: [String: Int] = [:]
        var coldStarts: [String: Int] = [:]
    }

    private let counts = Mutex(Counts())

    /// Everything at this moment.
    var now: Counts { counts.withLock { $0 } }

    /// A function is there: its counters begin, or go on.
    func know(_ function: FunctionName) {
        counts.withLock { counts in
            counts.restarts[function.description, default: 0] += 0
            counts.coldStarts[function.description, default: 0] += 0
        }
    }

    func knows(_ function: FunctionName) -> Bool { counts.withLock { $0.restarts[function.description] != nil } }

    /// A function is gone, and its counters with it.
    func forget(_ function: FunctionName) {
        counts.withLock { counts in
            counts.restarts[function.description] = nil
            counts.coldStarts[function.description] = nil
            counts.calls = counts.calls.filter { $0.key.function != function.description }
        }
    }

    /// Counts a call.
    /// - Parameters:
    ///   - code: HTTP status of its answer.
    ///   - seconds: from its arrival to its answer.
    func called(_ function: FunctionName, code: Int, seconds: Double) {
        counts.withLock { counts in
            var histogram = counts.calls[Series(function: function.description, code: code)] ?? Histogram()
            for (index, bound) in Self.buckets.enumerated() where seconds <= bound { histogram.counts[index] += 1 }
            histogram.sum += seconds
            histogram.total += 1
            counts.calls[Series(function: function.description, code: code)] = histogram
        }
    }

    /// Counts an instance that was started again.
    func restarted(_ function: FunctionName) { counts.withLock { $0.restarts[function.description]? += 1 } }

    /// Counts a call that found no instance ready.
    func startedCold(_ function: FunctionName) { counts.withLock { $0.coldStarts[function.description]? += 1 } }

    /// Calls of a function since the hub started, whatever their answer.
    func invocations(_ function: FunctionName) -> Int {
        counts.withLock { counts in
            counts.calls.reduce(0) { $1.key.function == function.description ? $0 + $1.value.total : $0 }
        }
    }
}
