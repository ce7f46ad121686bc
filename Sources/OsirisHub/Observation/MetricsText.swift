/// Writes metrics in the Prometheus text format 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
struct MetricsText {
    private var lines: [String] = []

    /// All that was written.
    var text: String { lines.joined(separator: "\n") + "\n" }

    /// The whole text.
    /// - Parameters:
    ///   - functions: how it stands with the version that serves, by function.
    ///   - followers: callers that follow logs or events now.
    ///   - process: what the system says about the hub; nil if it says nothing.
    static func of(
        _ counts: Metrics.Counts, _ functions: [FunctionName: InstancePool.Status], followers: Int,
        _ process: ProcessMetrics?
    ) -> String {
        var text = MetricsText()
        text.calls(counts)
        let functions = functions.map { (name: $0.key.description, status: $0.value) }.sorted { $0.name < $1.name }
        text.functions(functions)
        text.counter("osiris_function_cold_starts_total", "Calls that found no instance ready.", counts.coldStarts)
        text.counter("osiris_function_restarts_total", "Instances that were started again.", counts.restarts)
        text.head("osiris_followers", "gauge", "Callers that follow logs or events.")
        text.sample("osiris_followers", [], String(followers))
        text.head("osiris_build_info", "gauge", "The version of the hub; always 1.")
        text.sample("osiris_build_info", [("version", HubVersion.current)], "1")
        if let process { text.process(process) }
        return text.text
    }

    private mutating func calls(_ counts: Metrics.Counts) {
        let calls = counts.calls.sorted { ($0.key.function, $0.key.code) < ($1.key.function, $1.key.code) }
        head("gateway_function_invocation_total", "counter", "Calls of a function.")
        for (series, histogram) in calls {
            sample("gateway_function_invocation_total", Self.labels(series), String(histogram.total))
        }
        let name = "gateway_functions_seconds"
        head(name, "histogram", "Time a call took.")
        for (series, histogram) in calls {
            let labels = Self.labels(series)
            for (bound, count) in zip(Metrics.buckets, histogram.counts) {
                sample("\(name)_bucket", labels + [("le", Self.number(bound))], String(count))
            }
            sample("\(name)_bucket", labels + [("le", "+Inf")], String(histogram.total))
            sample("\(name)_sum", labels, Self.number(histogram.sum))
            sample("\(name)_count", labels, String(histogram.total))
        }
    }

    private mutating func functions(_ functions: [(name: String, status: InstancePool.Status)]) {
        let gauges: [(String, String, (InstancePool.Status) -> Int)] = [
            ("gateway_service_count", "Instances of a function that are ready.", { $0.available }),
            ("osiris_function_queue_length", "Calls that wait for an instance.", { $0.waiting }),
            ("osiris_function_running_calls", "Calls that an instance works on.", { $0.running }),
        ]
        for (name, help, value) in gauges {
            head(name, "gauge", help)
            for (function, status) in functions {
                sample(name, [("function_name", function)], String(value(status)))
            }
        }
        head("osiris_instances", "gauge", "Instances of a function by what they do.")
        for (function, status) in functions {
            let busy = min(status.running, status.available)
            for (state, count) in [
                ("busy", busy), ("free", status.available - busy), ("starting", status.starting),
            ] {
                sample("osiris_instances", [("function_name", function), ("state", state)], String(count))
            }
        }
    }

    private mutating func process(_ process: ProcessMetrics) {
        let samples: [(String, String, String, String)] = [
            ("process_cpu_seconds_total", "counter", "Processor time of the hub.", Self.number(process.cpuSeconds)),
            ("process_open_fds", "gauge", "Open files of the hub.", String(process.openFiles)),
            ("process_resident_memory_bytes", "gauge", "Memory of the hub.", String(process.residentBytes)),
            (
                "process_start_time_seconds", "gauge", "When the hub started, since 1970.",
                Self.number(process.startTime)
            ),
        ]
        for (name, type, help, value) in samples {
            head(name, type, help)
            sample(name, [], value)
        }
    }

    private mutating func counter(_ name: String, _ help: String, _ counts: [String: Int]) {
        head(name, "counter", help)
        for (function, count) in counts.sorted(by: { $0.key < $1.key }) {
            sample(name, [("function_name", function)], String(count))
        }
    }

    /// Begins a metric.
    /// - Parameter type: `counter`, `gauge` or `histogram`.
    mutating func head(_ name: String, _ type: String, _ help: String) {
        lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
    }

    /// Adds a value to the metric that was begun.
    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
        let labels = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        lines.append(labels.isEmpty ? "\(name) \(value)" : "\(name){\(labels)} \(value)")
    }

    private static func labels(_ series: Metrics.Series) -> [(String, String)] {
        [("function_name", series.function), ("code", String(series.code))]
    }

    static func escaped(_ text: String) -> String {
        text.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0.isNewline ? "\\n" : String($0) }.joined()
    }

    /// As Go writes it, which `le` is compared with: 1 and not 1.0.
    static func number(_ number: Double) -> String {
        let text = String(number)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
