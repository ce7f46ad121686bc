import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// That a host is to be left alone: `cordon.json` in its folder, so that whoever plans sees it, with whatever state.
public struct HostCordon: Sendable, Hashable {
    /// When it was last said; RFC 3339.
    public var since: String
    /// Who said it, `USER@MACHINE`.
    public var by: String
    public var reason: String?
    /// True if its hub was stopped too.
    public var isDrained: Bool

    public init(since: Date, by: String, reason: String?, isDrained: Bool) {
        (self.since, self.by, self.reason) = (since.formatted(.iso8601), by, reason)
        self.isDrained = isDrained
    }

    /// Nil if the host has no such mark; one that cannot be read counts all the same.
    public init?(_ facts: HostFacts) {
        guard let bytes = facts.markers["cordon"] else { return nil }
        let fields = (try? Value(plainJSON: bytes))?.mapValue ?? [:]
        since = fields["since"]?.stringValue ?? "an unknown time"
        by = fields["by"]?.stringValue ?? "somebody"
        reason = fields["reason"]?.stringValue
        isDrained = fields["drained"]?.boolValue ?? false
    }

    /// Without spaces: a script looks for words in it.
    var bytes: [UInt8] {
        var fields: [String: Value] = ["since": .string(since), "by": .string(by), "drained": .bool(isDrained)]
        fields["reason"] = reason.map(Value.string)
        return Value.map(fields).plainJSON()
    }

    /// In one sentence without a full stop.
    public var text: String {
        "it is \(isDrained ? "drained" : "cordoned") since \(since) by \(by)" + (reason.map { ": \($0)" } ?? "")
    }
}

extension ManifestHost {
    /// Marks the host, once no apply is at work on it; with `isDrained` its hub is stopped too.
    /// - Throws: `ProviderError`.
    public func cordon(_ cordon: HostCordon, over sessions: SSHSessions) async throws {
        var payload = HostPayload()
        payload.add("cordon.json", cordon.bytes)
        try await run(.cordon, [cordon.isDrained ? "yes" : "no"], payload, sessions)
    }

    /// Takes the mark away; the hub of a drained host is started. No fault where there is no mark.
    /// - Throws: `ProviderError`.
    public func uncordon(over sessions: SSHSessions) async throws {
        try await run(.uncordon, [], HostPayload(), sessions)
    }

    /// Outside of applies there is no lock of the state, so no number to compare.
    private func run(_ script: HostScript, _ words: [String], _ payload: HostPayload, _ sessions: SSHSessions)
        async throws
    {
        let arguments = [place.folder, wishes.cluster, address.text, "-", "0", "podman"] + words
        let result = try await HostRun(sessions: sessions).connected(to: place, address) { connection in
            try await connection.run(
                script: script.text, as: place.elevation, arguments: arguments, input: payload.bytes)
        }
        if result.status != 0 { throw HostRun.failure(result, address, place) }
    }
}
