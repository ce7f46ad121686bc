import OsirisModel

extension StateSnapshot {
    /// The state for others to read: JSON with `formatVersion` 1, sorted by address. Secrets are digests.
    public var exported: Value {
        let records = resources.values.sorted { $0.address < $1.address }
        return [
            "formatVersion": 1, "lineage": .string(lineage), "serial": .int(serial),
            "cluster": cluster.map(Value.string) ?? .null, "resources": .list(records.map(\.exported)),
            "intents": .list(intents.map(\.exported)),
        ]
    }
}

extension ResourceRecord {
    /// One resource of `StateSnapshot.exported`.
    public var exported: Value {
        var entry: [String: Value] = [
            "address": .string(address.text), "provider": .string(provider), "type": .string(type),
            "schemaVersion": .int(schemaVersion), "attributes": .map(attributes),
            "dependsOn": .list(dependsOn.map { .string($0.text) }),
        ]
        if let parent { entry["parent"] = .string(parent.text) }
        if let source {
            entry["source"] = [
                "file": .string(source.file), "line": .int(source.start.line), "column": .int(source.start.column),
            ]
        }
        return .map(entry)
    }
}

extension Intent {
    /// One open intent of `StateSnapshot.exported`.
    public var exported: Value {
        var entry: [String: Value] = [
            "token": .string(token), "address": .string(address.text), "provider": .string(provider),
            "type": .string(type), "action": .string(action.rawValue), "planned": .map(planned),
            "startedAt": .string(startedAt.formatted(.iso8601)),
        ]
        if let parent { entry["parent"] = .string(parent.text) }
        if let failure { entry["failure"] = .string(failure) }
        return .map(entry)
    }
}
