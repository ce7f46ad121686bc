import Foundation
import OsirisModel

/// The state that a checkpoint and the segments after it add up to. Pure: no store, no clock.
struct LogFold: Sendable {
    struct Resource: Sendable {
        var record: ResourceRecord
        var sealed: [UInt8]?
    }

    struct OpenIntent: Sendable {
        /// Grows with each intent, so that the oldest is known.
        var order: Int
        var intent: Intent
    }

    /// One run as far as the log since the checkpoint tells.
    struct Run: Sendable, Hashable {
        var record: ApplyRecord
        var events: [EventRecord] = []
    }

    /// Where the state went.
    struct Move: Sendable, Hashable {
        var place: String
        var time: Date
    }

    /// Of the last segment that is folded in; 0 before the first.
    var position = 0
    /// Of the latest lock.
    var fencing = 0
    var serial = 0
    var nextChange: Int64 = 1
    /// Number of the latest run.
    var lastRun = 0
    var resources: [ResourceAddress: Resource] = [:]
    var intents: [String: OpenIntent] = [:]
    /// Runs that have a segment after the checkpoint.
    var runs: [Int: Run] = [:]
    var move: Move?
    /// What is folded in since the checkpoint.
    var size = LogSize()
    /// Size of the checkpoint it began with.
    private(set) var checkpointBytes = 0
    private var nextOrder = 0
    private var slices = LogSlices()

    /// Folds in the value at the next position.
    mutating func add(_ value: [UInt8]) throws(StoredFault) {
        if let segment = try slices.add(value) { try apply(segment) }
        advance(over: value.count)
    }

    /// Counts a value that is stored at the next position.
    mutating func advance(over bytes: Int) {
        position += 1
        size.bytes += bytes
        size.segments += 1
    }

    /// Folds in a segment whose values are counted by `advance`.
    mutating func apply(_ segment: LogSegment) throws(StoredFault) {
        guard segment.fencing >= fencing else { throw StoredFault("it is of a lock before the latest one") }
        guard move == nil else { throw StoredFault("it follows the end of the log") }
        fencing = segment.fencing
        lastRun = max(lastRun, segment.run)
        switch segment.mark {
        case .none: break
        case .began(let record):
            for id in runs.keys where runs[id]?.record.outcome == nil { runs[id]?.record.outcome = .abandoned }
            runs[segment.run] = Run(record: record)
        case .ended(let outcome):
            runs[segment.run]?.record.outcome = outcome
            runs[segment.run]?.record.endedAt = segment.time
        case .broken: break
        case .moved(let place): move = Move(place: place, time: segment.time)
        }
        for change in segment.changes { try apply(change, run: segment.run, at: segment.time) }
    }

    private mutating func apply(_ change: StateChange, run: Int, at time: Date) throws(StoredFault) {
        switch change {
        case .opened(let intent, _, _): try open(intent)
        case .stillOpen(let token, _, let failure):
            guard intents[token] != nil else { throw StoredFault("it keeps open what is not open") }
            intents[token]?.intent.failure = failure
        case .closed(let token, _):
            guard intents.removeValue(forKey: token) != nil else { throw StoredFault("it closes what is not open") }
        case .recorded(let record, _, let sealed, let header):
            resources[record.address] = Resource(record: record, sealed: sealed)
            note(header, record.address, run: run, at: time)
        case .event(let address, let header):
            if header.kind.removes, let address { resources[address] = nil }
            note(header, address, run: run, at: time)
        }
    }

    /// Adds an open intent, newer than all others.
    mutating func open(_ intent: Intent) throws(StoredFault) {
        guard intents[intent.token] == nil else { throw StoredFault("two open intents have the same token") }
        intents[intent.token] = OpenIntent(order: nextOrder, intent: intent)
        nextOrder += 1
    }

    private mutating func note(_ header: EventHeader, _ address: ResourceAddress?, run: Int, at time: Date) {
        serial = max(serial, header.serial)
        nextChange = header.seq + 1
        runs[run]?.record.counts[header.kind, default: 0] += 1
        runs[run]?.events.append(EventRecord(time: time, kind: header.kind, address: address, text: header.text))
    }
}

/// How long a log is.
struct LogSize: Sendable, Hashable {
    var bytes = 0
    var segments = 0
}

extension LogFold {
    /// The state as it is at this position.
    /// - Throws: `StoredFault` if a resource lives on one that is not there.
    func state(lineage: String, cluster: String) throws(StoredFault) -> StoredState {
        var state = StoredState(snapshot: StateSnapshot(lineage: lineage, serial: serial, cluster: cluster))
        for (address, resource) in resources {
            if let parent = resource.record.parent, resources[parent] == nil {
                throw StoredFault("\(address) lives on \(parent), which is not recorded")
            }
            state.snapshot.resources[address] = resource.record
            state.sealed[address] = resource.sealed
        }
        state.snapshot.intents = openIntents
        return state
    }

    /// Oldest first.
    var openIntents: [Intent] { intents.values.sorted { $0.order < $1.order }.map(\.intent) }

    /// What a writer must know.
    var index: SessionIndex {
        var index = SessionIndex()
        index.serial = serial
        index.nextChange = nextChange
        for resource in resources.values { index.insert(resource.record.address, parent: resource.record.parent) }
        for (token, open) in intents {
            index.intents[token] = .init(row: 0, address: open.intent.address, action: open.intent.action)
        }
        return index
    }
}

extension LogFold {
    /// All but the runs, for a checkpoint.
    func checkpoint() -> [UInt8] {
        let resources = resources.values.sorted { $0.record.address < $1.record.address }.map { resource in
            var map: [String: Value] = ["record": .map(resource.record.stored)]
            map.put("sealed", resource.sealed)
            return Value.map(map)
        }
        let state: Value = [
            "formatVersion": .int(LogFormat.version), "position": .int(position), "fencing": .int(fencing),
            "serial": .int(serial), "nextChange": .int(Int(nextChange)), "lastRun": .int(lastRun),
            "resources": .list(resources), "intents": .list(openIntents.map(\.stored)),
        ]
        return state.json()
    }

    init(checkpoint bytes: [UInt8]) throws(StoredFault) {
        let fields = try StoredFields(document: bytes)
        checkpointBytes = bytes.count
        position = try fields.int("position")
        fencing = try fields.int("fencing")
        serial = try fields.int("serial")
        nextChange = Int64(try fields.int("nextChange"))
        lastRun = try fields.int("lastRun")
        for item in try fields.list("resources") {
            let fields = try StoredFields(item)
            let record = try ResourceRecord(stored: fields.map["record"])
            resources[record.address] = Resource(record: record, sealed: try fields.optionalBytes("sealed"))
        }
        for intent in try fields.list("intents") { try open(try Intent(stored: intent)) }
    }
}
