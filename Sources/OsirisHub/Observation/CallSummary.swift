/// All calls of a function since the hub started, from its histograms. Plain.
struct CallSummary: Sendable, Equatable {
    var calls = 0
    /// Those that were answered with a status of 400 or more.
    var errors = 0
    var seconds = 0.0
    /// Calls up to each of `Metrics.buckets`.
    var counts = [Int](repeating: 0, count: Metrics.buckets.count)

    var averageSeconds: Double? { calls > 0 ? seconds / Double(calls) : nil }

    /// The time that this part of the calls stayed below, taking those of a bucket as evenly spread, as Prometheus does
    /// (https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile). At most the last bound; nil
    /// without a call.
    /// - Parameter part: 0...1.
    func quantile(_ part: Double) -> Double? {
        guard calls > 0, let last = Metrics.buckets.last else { return nil }
        let rank = part * Double(calls)
        guard let index = counts.firstIndex(where: { Double($0) >= rank }) else { return last }
        let (below, bound) = index == 0 ? (0, 0) : (counts[index - 1], Metrics.buckets[index - 1])
        let width = Metrics.buckets[index] - bound
        let inside = Double(counts[index] - below)
        return inside > 0 ? bound + width * (rank - Double(below)) / inside : bound
    }
}

extension Metrics {
    /// What the calls of a function were like.
    func summary(_ function: FunctionName) -> CallSummary {
        let series = now.calls.filter { $0.key.function == function.description }
        return series.reduce(into: CallSummary()) { summary, series in
            let (histogram, code) = (series.value, series.key.code)
            summary.calls += histogram.total
            if code >= 400 { summary.errors += histogram.total }
            summary.seconds += histogram.sum
            for index in summary.counts.indices { summary.counts[index] += histogram.counts[index] }
        }
    }
}
