import Synchronization

/// Where what an instance prints goes. It changes once, when an instance gets its function after its start.
final class InstanceOutput: Sendable {
    private let place: Mutex<(log: any LogSink, redaction: Redaction)>

    init(log: any LogSink, redaction: Redaction) { place = Mutex((log, redaction)) }

    func change(log: any LogSink, redaction: Redaction) { place.withLock { $0 = (log, redaction) } }

    /// As `LogSink.append`.
    @discardableResult
    func append(_ line: [UInt8], instance: String, call: String?) -> Double {
        let (log, redaction) = place.withLock { $0 }
        return log.append(line, redaction, instance: instance, call: call)
    }
}

/// Keeps nothing.
struct NoLog: LogSink {
    func append(_ line: [UInt8], _ redaction: Redaction, instance: String, call: String?) -> Double { 0 }
}
