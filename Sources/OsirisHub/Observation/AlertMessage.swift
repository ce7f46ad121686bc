import OsirisModel

/// A message that waits to be delivered.
struct AlertMessage: Sendable, Equatable {
    /// Order of delivery; 0 until it is stored.
    var id = 0
    var incident: String
    var url: String
    var body: String
    /// Seconds since 1970.
    var created: Double
    var attempts = 0
    /// When to try next, seconds since 1970.
    var next: Double

    /// How long it is tried, seconds.
    static let patience = 3600.0
    /// Longest wait between two tries, seconds.
    static let longestWait = 300.0

    /// The wait after so many tries, at least one: 1 s, doubled each time.
    static func wait(after attempts: Int) -> Double {
        var wait = 1.0
        for _ in 1..<max(attempts, 1) where wait < longestWait { wait *= 2 }
        return min(wait, longestWait)
    }

    /// The document that tells of an incident.
    static func body(of incident: Incidents.Incident, cluster: String, hub: String) -> String {
        let function = incident.trouble.function
        let document: [String: Value] = [
            "incident": .string(incident.id), "state": incident.ended == nil ? "firing" : "resolved",
            "kind": .string(incident.trouble.kind.rawValue), "cluster": .string(cluster), "hub": .string(hub),
            "namespace": function.map { .string($0.namespace) } ?? .null,
            "name": function.map { .string($0.name) } ?? .null,
            "startedAt": .string(LogLine.timestamp(incident.began)),
            "resolvedAt": incident.ended.map { .string(LogLine.timestamp($0)) } ?? .null,
            "message": .string(incident.message),
        ]
        return String(decoding: Value.map(document).plainJSON(), as: UTF8.self)
    }

    /// The value of `X-Osiris-Signature`: HMAC-SHA-256 (RFC 2104) of the body's bytes under the secret, in hexadecimal.
    static func signature(_ body: String, secret: String) -> String {
        "sha256=" + Digest.hex(Digest.hmacSHA256(key: secret.utf8, body.utf8))
    }
}
