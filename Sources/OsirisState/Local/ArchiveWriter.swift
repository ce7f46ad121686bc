import Foundation
import GRDB
import OsirisModel

/// Writes a state that came from elsewhere into an empty database. Inside a transaction of the caller.
///
/// Events become rows in their order. A resource's record goes to the newest row of its address, which is what makes it
/// the resource; where the history has none any more, a row of no run stands for it.
struct ArchiveWriter {
    /// Runs count from 1.
    private static let noRun = 0

    let db: Database

    func write(_ archive: StateArchive) throws {
        let snapshot = archive.state.snapshot
        var lastOf: [ResourceAddress: (run: Int, event: Int)] = [:]
        for (run, entry) in archive.runs.enumerated() {
            for (number, event) in entry.events.enumerated() where !event.kind.isRemark {
                if let address = event.address { lastOf[address] = (run, number) }
            }
        }
        var seq: Int64 = 0
        func record(_ record: ResourceRecord, _ kind: EventRecord.Kind, _ run: Int, _ time: Date, _ text: String) throws
        {
            seq += 1
            let header = EventHeader(seq: seq, serial: snapshot.serial, kind: kind, token: nil, text: text)
            try ChangeWriter(db: db, apply: run, now: time.stateMilliseconds).write(
                .recorded(
                    record, attributes: Value.map(record.attributes).jsonText,
                    sealed: archive.state.sealed[record.address], header))
        }
        var placed: Set<ResourceAddress> = []
        for (run, entry) in archive.runs.enumerated() {
            try start(entry.record, firstSeq: seq + 1)
            for (number, event) in entry.events.enumerated() {
                if let address = event.address, let resource = snapshot.resources[address], let last = lastOf[address],
                    last == (run, number), !event.kind.removes
                {
                    placed.insert(address)
                    try record(resource, event.kind, entry.record.id, event.time, event.text)
                    continue
                }
                seq += 1
                let header = EventHeader(
                    seq: seq, serial: snapshot.serial, kind: event.kind, token: nil, text: event.text)
                try ChangeWriter(db: db, apply: entry.record.id, now: event.time.stateMilliseconds)
                    .write(.event(address: event.address, header))
            }
        }
        for resource in snapshot.resources.values.sorted(by: { $0.address < $1.address })
        where !placed.contains(resource.address) {
            try record(resource, .observed, Self.noRun, Date(stateMilliseconds: 0), "")
        }
        for (row, intent) in snapshot.intents.enumerated() {
            try ChangeWriter(db: db, apply: archive.runs.last?.record.id ?? Self.noRun, now: 0).write(
                .opened(intent, planned: Value.map(intent.planned).jsonText, row: Int64(row + 1)))
        }
        try db.execute(
            sql: "UPDATE meta SET serial = ?; UPDATE lock SET fencing = ?",
            arguments: [snapshot.serial, archive.fencing])
    }

    private func start(_ record: ApplyRecord, firstSeq: Int64) throws {
        try db.execute(
            sql: """
                INSERT INTO applies
                    (id, firstSeq, operation, startedAt, endedAt, user, host, pid, manifestCommit, arguments, outcome)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                record.id, firstSeq, record.operation, record.startedAt.stateMilliseconds,
                record.endedAt?.stateMilliseconds, record.user, record.host, record.pid, record.commit,
                Value.list(record.arguments.map(Value.string)).jsonText, record.outcome?.rawValue,
            ])
    }
}
