import Foundation
import Hummingbird

/// `/metrics/functions/ID` and `/metrics/system`: the metrics of one function and of the hub, as JSON.
struct MetricsRoutes: RouteGroup {
    let controller: Controller
    let observation: Observation
    /// Seconds since 1970.
    let startedAt: Double

    func add(to router: GuardedRouter) {
        let (controller, metrics) = (controller, observation.metrics)
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
            let summary = observation.metrics.summary(FunctionName(namespace: status.namespace, name: status.name))
            (calls.calls, calls.errors) = (calls.calls + summary.calls, calls.errors + summary.errors)
        }
        return System(
            uptimeSeconds: Date().timeIntervalSince1970 - startedAt, functions: visible.count,
            instances: visible.reduce(0) { $0 + $1.availableReplicas }, calls: calls.calls, errors: calls.errors,
            process: try await BlockingWork.run { ProcessMetrics.read() }.map {
                .init(cpuSeconds: $0.cpuSeconds, memoryBytes: $0.residentBytes)
            })
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
        /// The hub's own; its functions have processes of their own.
        struct Process: Encodable {
            /// Processor time since its start.
            var cpuSeconds: Double
            /// Resident memory.
            var memoryBytes: Int
        }

        var uptimeSeconds: Double
        var functions: Int
        var instances: Int
        var calls: Int
        var errors: Int
        /// Absent where the system does not tell.
        var process: Process?
    }
}
