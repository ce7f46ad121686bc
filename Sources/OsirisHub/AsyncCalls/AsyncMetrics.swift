/// How many calls came to each state since the hub started. Plain.
struct AsyncCounts {
    private var counts: [FunctionName: [CallEntry.State: Int]] = [:]

    mutating func count(_ function: FunctionName, _ state: CallEntry.State) {
        counts[function, default: [:]][state, default: 0] += 1
    }

    /// By function and state, in order.
    var all: [(function: FunctionName, state: CallEntry.State, count: Int)] {
        counts.sorted { $0.key.description < $1.key.description }.flatMap { function, states in
            CallEntry.State.allCases.compactMap { state in states[state].map { (function, state, $0) } }
        }
    }
}

extension AsyncCalls {
    /// The metrics in the Prometheus text format.
    func metricsText() -> String {
        let now = options.now()
        var waiting: [String: (count: Int, oldest: Double)] = [:]
        for entry in live.values where entry.state == .queued {
            let before = waiting[entry.function.description] ?? (0, entry.created)
            waiting[entry.function.description] = (before.count + 1, min(before.oldest, entry.created))
        }
        let functions = waiting.sorted { $0.key < $1.key }
        var text = MetricsText()
        text.head("osiris_async_queue_length", "gauge", "Asynchronous calls that wait.")
        for (name, line) in functions {
            text.sample("osiris_async_queue_length", [("function_name", name)], String(line.count))
        }
        text.head("osiris_async_oldest_seconds", "gauge", "Age of the oldest asynchronous call that waits.")
        for (name, line) in functions {
            text.sample("osiris_async_oldest_seconds", [("function_name", name)], String(max(0, now - line.oldest)))
        }
        text.head("osiris_async_calls_total", "counter", "Asynchronous calls that came to a state.")
        for (function, state, count) in counts.all {
            let labels = [("function_name", function.description), ("state", state.rawValue)]
            text.sample("osiris_async_calls_total", labels, String(count))
        }
        return text.text
    }
}
