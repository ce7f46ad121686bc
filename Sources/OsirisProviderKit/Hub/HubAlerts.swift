import OsirisModel

/// The alerts of a hub: in the clear in its `hub.json`, by digest in the state.
public enum HubAlerts {
    /// What the hub is told, with clear secrets: it signs with them. Nil for nobody.
    public static func told(_ planned: Value) -> Value? {
        guard let entries = planned.listValue, !entries.isEmpty else { return nil }
        return .list(entries.map { map($0) { $0.plaintext.map(Value.string) ?? .null } })
    }

    /// What a read answers: what was recorded, if the file says the same as far as can be seen without the secrets;
    /// else what the file says, without them.
    public static func found(_ told: Value?, recorded: Value?) -> Value? {
        guard let told = told?.listValue else { return nil }
        let recorded = recorded?.listValue ?? []
        let isSame = told.count == recorded.count && zip(told, recorded).allSatisfy { matches($0, $1) }
        if isSame { return .list(recorded) }
        return .list(
            told.map { entry in
                var fields = entry.mapValue ?? [:]
                fields["secret"] = nil
                return .map(fields)
            })
    }

    private static func matches(_ told: Value, _ recorded: Value) -> Bool {
        guard let told = told.mapValue, let recorded = recorded.mapValue else { return told == recorded }
        return told.keys.sorted() == recorded.keys.sorted()
            && recorded.allSatisfy { key, value in
                if case .secret = value { told[key]?.stringValue != nil } else { told[key] == value }
            }
    }

    private static func map(_ entry: Value, _ clear: (Secret) -> Value) -> Value {
        .map((entry.mapValue ?? [:]).mapValues { if case .secret(let secret) = $0 { clear(secret) } else { $0 } })
    }
}
