/// A call as `GET /v1/calls/ID` shows it. Times are seconds since 1970; what is not known yet is null.
struct CallRecord: Encodable {
    /// Not where it goes: people put secrets into such URLs.
    private struct Callback: Encodable {
        var state: CallEntry.Callback.State
        var attempts: Int
        var lastStatus: Int?
        var error: String?
    }

    let entry: CallEntry

    init(_ entry: CallEntry) { self.entry = entry }

    private enum Key: String, CodingKey {
        case callId, function, namespace, version, instance, state, attempts, created, started, ended, status
        case durationMs, async, error, callback
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encode(entry.id, forKey: .callId)
        try fields.encode(entry.function.name, forKey: .function)
        try fields.encode(entry.function.namespace, forKey: .namespace)
        try fields.encode(entry.version, forKey: .version)
        try fields.encode(entry.instance, forKey: .instance)
        try fields.encode(entry.state, forKey: .state)
        try fields.encode(entry.attempts, forKey: .attempts)
        try fields.encode(entry.created, forKey: .created)
        try fields.encode(entry.started, forKey: .started)
        try fields.encode(entry.ended, forKey: .ended)
        try fields.encode(entry.status, forKey: .status)
        try fields.encode(entry.seconds.map { Int(($0 * 1_000).rounded()) }, forKey: .durationMs)
        try fields.encode(entry.isAsync, forKey: .async)
        try fields.encode(entry.error, forKey: .error)
        let callback = entry.callback.map {
            Callback(state: $0.state, attempts: $0.attempts, lastStatus: $0.lastStatus, error: $0.error)
        }
        try fields.encode(callback, forKey: .callback)
    }
}

extension CallEntry {
    /// How long the last attempt took, if it has ended.
    var seconds: Double? {
        guard let started, let ended else { return nil }
        return max(0, ended - started)
    }
}
