import Foundation

/// A lease as an object that its holder writes anew to renew it. It has ended when more than its seconds have passed
/// between its `Last-Modified` and the `Date` of the answer that gave it: both are the service's clock, so the clocks of
/// the clients do not matter.
extension S3Store {
    func acquire(_ value: [UInt8], at key: String, seconds: Int) async throws -> LeaseOutcome {
        try await checkConditions()
        let note = LeaseNote(id: UUID().uuidString.lowercased(), seconds: seconds, value: value)
        while true {
            let found = try await object(key)
            if let found, let shown = try shown(found, key) { return .held(shown) }
            let condition = found.map { WriteCondition.version($0.stored.version) } ?? .absent
            // Refused: somebody was faster. Each round means that another one got somewhere.
            do {
                if try await put(note.bytes, to: key, if: condition) != nil {
                    return .acquired(StoreLease(key: key, id: note.id))
                }
            } catch let error as SharedStoreError where error.kind == .unknown {
                guard let found = try await object(key), try self.note(found, key).id == note.id else { throw error }
                return .acquired(StoreLease(key: key, id: note.id))
            }
            try Task.checkCancellation()
        }
    }

    func renew(_ lease: StoreLease) async throws -> Bool {
        try await replace(lease.key) { note in
            guard note.id == lease.id else { return nil }
            var next = note
            // So that the ETag differs, by which others see that the lease they found ended was renewed after all.
            next.renewals += 1
            return next
        }
    }

    func release(_ lease: StoreLease) async throws {
        _ = try await replace(lease.key) { $0.id == lease.id ? .free : nil }
    }

    func holder(_ key: String) async throws -> StoredValue? {
        guard let found = try await object(key) else { return nil }
        return try shown(found, key)
    }

    /// Also one that has ended and was not taken yet, whose holder could still renew it.
    func breakLease(_ key: String, ifValue value: [UInt8]) async throws -> Bool {
        try await replace(key) { $0.value == value ? .free : nil }
    }

    /// Writes what `change` makes of the note there is, unless it changed meanwhile: then once more from the start.
    /// - Returns: false if there is no note of a holder, or `change` gives nil.
    private func replace(_ key: String, _ change: (LeaseNote) -> LeaseNote?) async throws -> Bool {
        try await checkConditions()
        while true {
            guard let found = try await object(key) else { return false }
            let note = try note(found, key)
            guard !note.isFree, let next = change(note) else { return false }
            if try await put(next.bytes, to: key, if: .version(found.stored.version)) != nil { return true }
            try Task.checkCancellation()
        }
    }

    /// What the holder shows, and under which version; nil if nobody holds the lease.
    private func shown(_ found: Object, _ key: String) throws -> StoredValue? {
        let note = try note(found, key)
        if note.isFree { return nil }
        guard let now = found.date.flatMap(Self.time), let renewed = found.lastModified.flatMap(Self.time) else {
            throw SharedStoreError(.other, "\(location) gave \(key) without Date or Last-Modified")
        }
        // Whole seconds, cut off: a difference of more than n means that at least n have passed.
        if now.timeIntervalSince(renewed) > Double(note.seconds) { return nil }
        return StoredValue(bytes: note.value, version: found.stored.version)
    }

    private func note(_ found: Object, _ key: String) throws -> LeaseNote {
        guard let note = LeaseNote(found.stored.bytes) else {
            throw SharedStoreError(.other, "\(key) in \(location) is not a lease that osiris wrote")
        }
        return note
    }

    /// A date of HTTP (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func time(_ text: String) -> Date? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return formatter.date(from: text)
    }
}

/// The object of a lease: a line for osiris, and then what the holder shows.
private struct LeaseNote {
    static let free = LeaseNote(id: "none", seconds: 0, value: [])

    /// Of one acquisition.
    var id: String
    /// 0 in one that was given back or broken.
    var seconds: Int
    var renewals = 0
    var value: [UInt8]

    var isFree: Bool { seconds == 0 }
    var bytes: [UInt8] { Array("osiris-lease \(id) \(seconds) \(renewals)\n".utf8) + value }

    init(id: String, seconds: Int, value: [UInt8]) {
        (self.id, self.seconds, self.value) = (id, seconds, value)
    }

    init?(_ bytes: [UInt8]) {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
        guard words.count == 4, words[0] == "osiris-lease", let seconds = Int(words[2]), let renewals = Int(words[3])
        else { return nil }
        self.init(id: String(words[1]), seconds: seconds, value: Array(bytes[(end + 1)...]))
        self.renewals = renewals
    }
}
