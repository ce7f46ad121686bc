import OsirisModel

/// A value of any size under one name: its body in parts, and a last key `whole` that says what belongs to it.
///
/// Without that key the parts are nothing, so a half-written one is never used.
struct PartedValue: Sendable {
    /// What is worth reading without the body.
    var head: Value
    var body: [UInt8]

    static func isWhole(_ key: String) -> Bool { key.hasSuffix("/whole") }

    static func wholeKey(_ name: String) -> String { name + "/whole" }

    static func partKeys(_ name: String, count: Int) -> [String] {
        (1...max(1, count)).prefix(count).map { number in
            let text = String(number)
            return "\(name)/part-\(String(repeating: "0", count: max(0, 6 - text.count)))\(text)"
        }
    }
}

extension SharedLog {
    /// Nil if it is not whole, or a part is gone.
    func parted(_ name: String) async throws -> PartedValue? {
        let wholeKey = PartedValue.wholeKey(name)
        guard let whole = try await reading({ try await store.read(wholeKey) }) else { return nil }
        let fields = try decoding(wholeKey) { () throws(StoredFault) in try StoredFields(document: whole.bytes) }
        let keys = PartedValue.partKeys(
            name, count: try decoding(wholeKey) { () throws(StoredFault) in try fields.int("parts") })
        let values = try await reading { try await store.read(keys) }
        var body: [UInt8] = []
        for key in keys {
            guard let part = values[key] else { return nil }
            body += part.bytes
        }
        let digest = try decoding(wholeKey) { () throws(StoredFault) in try fields.text("digest") }
        guard digest == Digest.sha256(body) else {
            throw Fault.stored(StoredFault("its parts have another digest"), key: wholeKey, at: location)
        }
        return PartedValue(head: fields.map["head"] ?? .null, body: body)
    }

    /// Writes all of it, the key `whole` last. What an earlier try left is written over.
    func write(_ value: PartedValue, as name: String, holding lease: StoreLease?) async throws {
        let starts = Array(stride(from: 0, to: value.body.count, by: store.maxValueSize))
        let keys = PartedValue.partKeys(name, count: starts.count)
        for (key, start) in zip(keys, starts) {
            let end = min(start + store.maxValueSize, value.body.count)
            try await write(Array(value.body[start..<end]), to: key, holding: lease)
        }
        let whole: Value = [
            "formatVersion": .int(LogFormat.version), "parts": .int(starts.count), "head": value.head,
            "digest": .string(Digest.sha256(value.body)),
        ]
        try await write(whole.json(), to: PartedValue.wholeKey(name), holding: lease)
    }

    private func write(_ bytes: [UInt8], to key: String, holding lease: StoreLease?) async throws {
        try await writing {
            if try await store.write(bytes, to: key, if: .absent, holding: lease) != nil { return }
            guard let found = try await store.read(key) else { throw Fault.lockLost(location) }
            if found.bytes == bytes { return }
            let version = WriteCondition.version(found.version)
            guard try await store.write(bytes, to: key, if: version, holding: lease) != nil else {
                throw Fault.lockLost(location)
            }
        }
    }
}
