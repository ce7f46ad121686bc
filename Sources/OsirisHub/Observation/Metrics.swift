import Synchronization

/// Counts what the hub does and writes it in the Prometheus text format 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/), under the names OpenFaaS dashboards know.
final class Metrics: Sendable {
    /// Upper bounds of the duration buckets, seconds.
    static let buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    struct Series: Hashable {
        var function: String
        var code: Int
    }

    struct Histogram: Sendable {
        var counts = [Int](repeating: 0, count: Metrics.buckets.count)
        var sum = 0.0
        var total = 0
    }

    struct Counts: Sendable {
        var calls: [Series: Histogram] = [:]
        var restarts: [String: Int] = [:]
        var coldStarts: [String: Int] = [:]
    }

    let counts = Mutex(Counts())

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
    func restarted(_ function: FunctionName) {
        counts.withLock { $0.restarts[function.description, default: 0] += 1 }
    }

    /// Counts a call that found no instance ready.
    func startedCold(_ function: FunctionName) {
        counts.withLock { $0.coldStarts[function.description, default: 0] += 1 }
    }

    /// Calls of a function since the hub started, whatever their answer.
    func invocations(_ function: FunctionName) -> Int {
        counts.withLock { counts in
            counts.calls.reduce(0) { $1.key.function == function.description ? $0 + $1.value.total : $0 }
        }
    }

    /// The whole text.
    /// - Parameter functions: how it stands with the version that serves, by function.
    func text(_ functions: [FunctionName: InstancePool.Status]) -> String {
        let functions = functions.map { (name: $0.key.description, status: $0.value) }.sorted { $0.name < $1.name }
        let counts = counts.withLock { $0 }
        let calls = counts.calls.sorted { ($0.key.function, $0.key.code) < ($1.key.function, $1.key.code) }
        var lines = Self.head("gateway_function_invocation_total", "counter", "Calls of a function.")
        for (series, histogram) in calls {
            lines.append("gateway_function_invocation_total{\(Self.labels(series))} \(histogram.total)")
        }
        lines += Self.head("gateway_functions_seconds", "histogram", "Time a call took.")
        for (series, histogram) in calls {
            let labels = Self.labels(series)
            for (bound, count) in zip(Self.buckets, histogram.counts) {
                lines.append("gateway_functions_seconds_bucket{\(labels),le=\"\(bound)\"} \(count)")
            }
            lines.append("gateway_functions_seconds_bucket{\(labels),le=\"+Inf\"} \(histogram.total)")
            lines.append("gateway_functions_seconds_sum{\(labels)} \(histogram.sum)")
            lines.append("gateway_functions_seconds_count{\(labels)} \(histogram.total)")
        }
        lines += Self.head("gateway_service_count", "gauge", "Instances of a function that are ready.")
        for (name, status) in functions {
            lines.append("gateway_service_count{function_name=\"\(name)\"} \(status.available)")
        }
        lines += Self.head("osiris_function_queue_length", "gauge", "Calls that wait for an instance.")
        for (name, status) in functions {
            lines.append("osiris_function_queue_length{function_name=\"\(name)\"} \(status.waiting)")
        }
        lines += Self.head(
            "osiris_function_cold_starts_total", "counter", "Calls that found no instance ready and waited for one.")
        for (name, _) in functions {
            lines.append(
                "osiris_function_cold_starts_total{function_name=\"\(name)\"} \(counts.coldStarts[name] ?? 0)")
        }
        lines += Self.head("osiris_function_restarts_total", "counter", "Instances that were started again.")
        for (name, _) in functions {
            lines.append("osiris_function_restarts_total{function_name=\"\(name)\"} \(counts.restarts[name] ?? 0)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func head(_ name: String, _ type: String, _ help: String) -> [String] {
        ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
    }

    private static func labels(_ series: Series) -> String {
        "function_name=\"\(series.function)\",code=\"\(series.code)\""
    }
}
