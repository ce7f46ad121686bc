import Foundation
import Hummingbird

/// `/metrics/functions/ID` and `/metrics/system`: the metrics of one function and of the hub, as JSON.
struct MetricsRoutes: RouteGroup {
    let controller: Controller
    let metrics: Metrics
    /// Seconds since 1970.
    let startedAt: Double

    func add(to router: GuardedRouter) {
        let (controller, metrics) = (controller, metrics)
        router.on(.get, "/metrics/functions/{id}", .read) { _, context, caller in
            let name = try FunctionName(id: context.parameters.require("id"))
            try caller.require(.read, in: name.namespace)
            guard let status = await controller.status(name) else { throw Controller.unknown(name) }
            return .json(200, try HubJSON.encode(OneFunction(metrics.summary(name), status)))
        }
        router.on(.get, "/metrics/system", .read) { _, _, caller in
            .json(200, try HubJSON.encode(try await system(for: caller)))
        }
    }

    private func system(for caller: Caller) async throws -> System {
        let visible = await controller.list().filter { caller.may(.read, in: $0.namespace) }
        var calls = CallSummary()
        for status in visible {
            let summary = metrics.summary(FunctionName(namespace: status.namespace, name: status.name))
            (calls.calls, calls.errors) = (calls.calls + summary.calls, calls.errors + summary.errors)
        }
        return System(
            uptimeSeconds: Date().timeIntervalSince1970 - startedAt, functions: visible.count,
            instances: visible.reduce(0) { $0 + $1.availableReplicas }, calls: calls.calls, errors: calls.errors,
            process: try await BlockingWork.run { try ProcessUse.own() })
    }

    private struct OneFunction: Encodable {
        var calls: Int
        var errors: Int
        var averageSeconds: Double?
        var p50Seconds: Double?
        var p99Seconds: Double?
        var instances: Int
        var runningCalls: Int
        var queue: Int

        private enum CodingKeys: CodingKey {
            case calls, errors, averageSeconds, p50Seconds, p99Seconds, instances, runningCalls, queue
        }

        init(_ summary: CallSummary, _ status: FunctionStatus) {
            (calls, errors) = (summary.calls, summary.errors)
            averageSeconds = summary.averageSeconds
            (p50Seconds, p99Seconds) = (summary.quantile(0.5), summary.quantile(0.99))
            (instances, runningCalls, queue) = (status.availableReplicas, status.runningCalls, status.queueLength)
        }

        /// With a null for what no call has shown.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(calls, forKey: .calls)
            try container.encode(errors, forKey: .errors)
            try container.encode(averageSeconds, forKey: .averageSeconds)
            try container.encode(p50Seconds, forKey: .p50Seconds)
            try container.encode(p99Seconds, forKey: .p99Seconds)
            try container.encode(instances, forKey: .instances)
            try container.encode(runningCalls, forKey: .runningCalls)
            try container.encode(queue, forKey: .queue)
        }
    }

    private struct System: Encodable {
        var uptimeSeconds: Double
        var functions: Int
        var instances: Int
        var calls: Int
        var errors: Int
        var process: ProcessUse
    }
}

/// What the hub's own process uses; its functions have processes of their own.
struct ProcessUse: Encodable, Sendable {
    /// Processor time since its start.
    var cpuSeconds: Double
    /// Resident memory.
    var memoryBytes: Int

    /// Blocks; use `BlockingWork`.
    static func own() throws -> ProcessUse {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL)
        }
        // The second field of statm is resident pages (proc_pid_statm(5)).
        let text = String(decoding: FileManager.default.contents(atPath: "/proc/self/statm") ?? Data(), as: UTF8.self)
        let fields = text.split(separator: " ")
        let pages = fields.count > 1 ? Int(fields[1]) ?? 0 : 0
        return ProcessUse(
            cpuSeconds: Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000,
            memoryBytes: pages * Int(getpagesize()))
    }
}
