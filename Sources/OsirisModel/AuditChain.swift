/// The chain that lets an audit log tell of changes to itself.
///
/// A record is a JSON object. Its `seq` counts from 1, its `previous` is the hash of the record before it, and its `hash`
/// is the SHA-256 of the canonical JSON (`Value.plainJSON`) of all its other fields. Who changes one record must change
/// every later one too. There is no key: who may write the whole log can write another one from any record on, which
/// only somebody who noted an earlier `Head` can tell.
public enum AuditChain {
    /// A place in a log: what somebody notes to compare with later.
    public struct Head: Sendable, Hashable, Codable {
        /// Number of the last record, 0 in an empty log.
        public var seq: Int
        /// Its hash.
        public var hash: String

        public init(seq: Int, hash: String) {
            self.seq = seq
            self.hash = hash
        }

        /// Of a log without a record.
        public static let beginning = Head(seq: 0, hash: "sha256:" + String(repeating: "0", count: 64))
    }

    /// Action of the record that says which older records were removed: all up to `through`, whose hash is
    /// `throughHash`. It stands at the end of the log at that time, so it is in the chain itself.
    public static let removal = "audit.trim"

    /// The record that follows `head`: the fields with `seq`, `previous` and `hash`.
    public static func link(_ fields: [String: Value], after head: Head) -> (record: [String: Value], head: Head) {
        var record = fields
        record["seq"] = .int(head.seq + 1)
        record["previous"] = .string(head.hash)
        let hash = hash(of: record)
        record["hash"] = .string(hash)
        return (record, Head(seq: head.seq + 1, hash: hash))
    }

    static func hash(of record: [String: Value]) -> String {
        Digest.sha256(Value.map(record.filter { $0.key != "hash" }).plainJSON())
    }
}

/// Checks a log, record by record from the oldest one on. Plain: it is told the records and says what is wrong.
public struct AuditCheck: Sendable {
    /// The first thing that is wrong.
    public struct Break: Error, Sendable, Equatable {
        /// Number of the record at which it shows.
        public var seq: Int
        /// In one sentence without a full stop.
        public var reason: String
    }

    /// Noted at an earlier check; nil at the first one.
    private let seen: AuditChain.Head?
    /// The last record that was added.
    public private(set) var head = AuditChain.Head.beginning
    public private(set) var count = 0
    private var first: (seq: Int, previous: String)?
    /// True when the beginning is there, or a record says what was removed before it.
    private var hasBeginning = false

    public init(seen: AuditChain.Head? = nil) { self.seen = seen }

    /// The next record.
    /// - Throws: `Break` if it was altered, does not follow the one before it, or is not the one seen earlier.
    public mutating func add(_ record: Value) throws(Break) {
        guard let fields = record.mapValue, let seq = fields["seq"]?.intValue,
            let previous = fields["previous"]?.stringValue, let hash = fields["hash"]?.stringValue
        else { throw Break(seq: head.seq + 1, reason: "it is no record: it lacks seq, previous or hash") }
        guard AuditChain.hash(of: fields) == hash else {
            throw Break(seq: seq, reason: "it was altered: its content does not fit its hash")
        }
        try follow(seq: seq, previous: previous)
        if let seen, seen.seq == seq, seen.hash != hash {
            throw Break(seq: seq, reason: "it is not the record that an earlier check saw: the log was written anew")
        }
        if fields["action"]?.stringValue == AuditChain.removal, let first,
            fields["through"]?.intValue == first.seq - 1, fields["throughHash"]?.stringValue == first.previous
        {
            hasBeginning = true
        }
        head = AuditChain.Head(seq: seq, hash: hash)
        count += 1
    }

    private mutating func follow(seq: Int, previous: String) throws(Break) {
        guard count > 0 else {
            first = (seq, previous)
            if seq == 1 {
                guard previous == AuditChain.Head.beginning.hash else {
                    throw Break(seq: 1, reason: "it is not the beginning of a log")
                }
                hasBeginning = true
            }
            if let seen, seen.seq == seq - 1, seen.hash != previous {
                throw Break(seq: seq, reason: "it does not follow the record that an earlier check saw")
            }
            return
        }
        if seq > head.seq + 1 {
            let gap = head.seq + 1 == seq - 1 ? "record \(seq - 1) is" : "records \(head.seq + 1) to \(seq - 1) are"
            throw Break(seq: seq, reason: "\(gap) missing before it")
        }
        if seq <= head.seq { throw Break(seq: seq, reason: "it is out of order: it comes after record \(head.seq)") }
        guard previous == head.hash else {
            throw Break(seq: seq, reason: "it does not follow record \(head.seq), which was replaced")
        }
    }

    /// After the last record.
    /// - Throws: `Break` if the beginning is missing without a record that says so, or if an earlier check saw more.
    public func finish() throws(Break) {
        if let first, !hasBeginning {
            throw Break(
                seq: first.seq, reason: "what was before it is missing, and no record says that it was removed for age")
        }
        if let seen, head.seq < seen.seq {
            throw Break(
                seq: head.seq + 1,
                reason: "the log ends before it, and an earlier check saw it go on to record \(seen.seq)")
        }
    }

    /// True if records that an earlier check saw last have been removed for age, so that nothing ties this log to it.
    public var hasOutgrownWhatWasSeen: Bool {
        guard let seen, let first else { return false }
        return seen.seq > 0 && seen.seq < first.seq - 1
    }
}
