import Foundation
import OsirisDiagnostics
import OsirisModel

// Records, intents and runs as a shared state keeps them. Secrets are written as digests; see `Value.json()`.

extension ResourceRecord {
    var stored: [String: Value] {
        var map: [String: Value] = [
            "address": .string(address.text), "provider": .string(provider), "schemaVersion": .int(schemaVersion),
            "attributes": .map(attributes),
        ]
        map.put("parent", parent.map { .string($0.text) })
        map.put("dependsOn", dependsOn)
        map.put("incomplete", incomplete.map(Value.string))
        if let source {
            map["source"] = [
                .string(source.file), .int(source.start.line), .int(source.start.column), .int(source.end.line),
                .int(source.end.column),
            ]
        }
        return map
    }

    init(stored: Value?) throws(StoredFault) {
        let fields = try StoredFields(stored)
        self.init(
            address: try fields.address("address"), provider: try fields.text("provider"),
            schemaVersion: try fields.int("schemaVersion"), attributes: try fields.attributes("attributes"),
            parent: try fields.optionalAddress("parent"), dependsOn: try fields.addresses("dependsOn"),
            source: try Self.span(fields), incomplete: try fields.optionalText("incomplete"))
    }

    private static func span(_ fields: StoredFields) throws(StoredFault) -> SourceSpan? {
        guard fields.has("source") else { return nil }
        let parts = try fields.list("source")
        let numbers = parts.dropFirst().compactMap(\.intValue)
        guard let file = parts.first?.stringValue, numbers.count == 4 else {
            throw StoredFault("`source` is not a place in a file")
        }
        return SourceSpan(
            file: file, start: SourcePosition(line: numbers[0], column: numbers[1]),
            end: SourcePosition(line: numbers[2], column: numbers[3]))
    }
}

extension Intent {
    var stored: Value {
        var map: [String: Value] = [
            "token": .string(token), "address": .string(address.text), "provider": .string(provider),
            "type": .string(type), "action": .string(action.rawValue), "planned": .map(planned),
        ]
        map.put("startedAt", startedAt)
        map.put("parent", parent.map { .string($0.text) })
        map.put("dependsOn", dependsOn)
        map.put("failure", failure.map(Value.string))
        return .map(map)
    }

    init(stored: Value?) throws(StoredFault) {
        let fields = try StoredFields(stored)
        self.init(
            token: try fields.text("token"), address: try fields.address("address"),
            provider: try fields.text("provider"), type: try fields.text("type"), action: try fields.word("action"),
            planned: try fields.attributes("planned"), parent: try fields.optionalAddress("parent"),
            dependsOn: try fields.addresses("dependsOn"), startedAt: try fields.date("startedAt"),
            failure: try fields.optionalText("failure"))
    }
}

extension ApplyRecord {
    var stored: Value {
        var map: [String: Value] = [
            "id": .int(id), "operation": .string(operation), "user": .string(user), "host": .string(host),
            "pid": .int(pid), "arguments": .list(arguments.map(Value.string)),
            "counts": .map(Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, .int($0.value)) })),
        ]
        map.put("startedAt", startedAt)
        map.put("endedAt", endedAt)
        map.put("commit", commit.map(Value.string))
        map.put("outcome", outcome.map { .string($0.rawValue) })
        return .map(map)
    }

    init(stored: Value?) throws(StoredFault) {
        let fields = try StoredFields(stored)
        var counts: [EventRecord.Kind: Int] = [:]
        for (name, count) in try fields.attributes("counts") {
            guard let kind = EventRecord.Kind(rawValue: name), let count = count.intValue else {
                throw StoredFault("a count is malformed")
            }
            counts[kind] = count
        }
        self.init(
            id: try fields.int("id"), operation: try fields.text("operation"),
            startedAt: try fields.date("startedAt"), endedAt: try fields.optionalDate("endedAt"),
            user: try fields.text("user"), host: try fields.text("host"), pid: try fields.int("pid"),
            commit: try fields.optionalText("commit"),
            arguments: try fields.list("arguments").compactMap(\.stringValue),
            outcome: fields.has("outcome") ? try fields.word("outcome") : nil, counts: counts)
    }
}

extension EventRecord {
    var stored: Value {
        var map: [String: Value] = ["event": .string(kind.rawValue)]
        map.put("time", time)
        map.put("address", address.map { .string($0.text) })
        if !text.isEmpty { map["text"] = .string(text) }
        return .map(map)
    }

    init(stored: Value?) throws(StoredFault) {
        let fields = try StoredFields(stored)
        self.init(
            time: try fields.date("time"), kind: try fields.word("event"),
            address: try fields.optionalAddress("address"), text: try fields.optionalText("text") ?? "")
    }
}
