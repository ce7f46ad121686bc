import Foundation
import OsirisModel

/// The format of everything a shared state stores.
enum LogFormat {
    /// Grows with every change that an older osiris could not read.
    static let version = 1
}

/// What one commit adds to the log of a shared state.
struct LogSegment: Sendable {
    /// What a segment says about its run, besides its changes.
    enum Mark: Sendable, Hashable {
        case none
        /// A run took the lock. Its outcome and counts are not known yet.
        case began(ApplyRecord)
        case ended(ApplyOutcome)
        /// Somebody broke the lock: who held it finds its next position taken.
        case broken
        /// The state lives elsewhere now: nothing follows.
        case moved(to: String)
    }

    /// Unique for each attempt to store it, so that a writer knows its own bytes again.
    var id = UUID().uuidString.lowercased()
    /// Of the lock it was written under.
    var fencing: Int
    /// Number of the run in the history.
    var run: Int
    var time: Date
    var mark = Mark.none
    var changes: [StateChange] = []

    func json() -> [UInt8] {
        var map: [String: Value] = [
            "formatVersion": .int(LogFormat.version), "id": .string(id), "fencing": .int(fencing), "run": .int(run),
        ]
        map.put("time", time)
        if !changes.isEmpty { map["changes"] = .list(changes.map(\.stored)) }
        switch mark {
        case .none: break
        case .began(let record): map["began"] = record.stored
        case .ended(let outcome): map["ended"] = .string(outcome.rawValue)
        case .broken: map["broken"] = true
        case .moved(let place): map["moved"] = .string(place)
        }
        return Value.map(map).json()
    }

    init(fencing: Int, run: Int, time: Date, mark: Mark = .none, changes: [StateChange] = []) {
        self.fencing = fencing
        self.run = run
        self.time = time
        self.mark = mark
        self.changes = changes
    }

    init(_ fields: StoredFields) throws(StoredFault) {
        id = try fields.text("id")
        fencing = try fields.int("fencing")
        run = try fields.int("run")
        time = try fields.date("time")
        if fields.has("began") {
            mark = .began(try ApplyRecord(stored: fields.map["began"]))
        } else if fields.has("ended") {
            mark = .ended(try fields.word("ended"))
        } else if fields.has("broken") {
            mark = .broken
        } else if fields.has("moved") {
            mark = .moved(to: try fields.text("moved"))
        }
        for change in try fields.list("changes") { changes.append(try StateChange(stored: change)) }
    }
}

extension StateChange {
    var stored: Value {
        switch self {
        case .opened(let intent, _, _): return ["opened": intent.stored]
        case .stillOpen(let token, _, let failure): return ["stillOpen": .string(token), "failure": .string(failure)]
        case .closed(let token, _): return ["closed": .string(token)]
        case .recorded(let record, _, let sealed, let header):
            var map = header.stored
            map["record"] = .map(record.stored)
            map.put("sealed", sealed)
            return .map(map)
        case .event(let address, let header):
            var map = header.stored
            map.put("address", address.map { .string($0.text) })
            return .map(map)
        }
    }

    /// Rows are a database's affair: they come back as 0, and the JSON of attributes as nothing.
    init(stored: Value) throws(StoredFault) {
        let fields = try StoredFields(stored)
        if fields.has("opened") {
            self = .opened(try Intent(stored: fields.map["opened"]), planned: "", row: 0)
        } else if fields.has("stillOpen") {
            self = .stillOpen(token: try fields.text("stillOpen"), row: 0, failure: try fields.text("failure"))
        } else if fields.has("closed") {
            self = .closed(token: try fields.text("closed"), row: 0)
        } else if fields.has("record") {
            self = .recorded(
                try ResourceRecord(stored: fields.map["record"]), attributes: "",
                sealed: try fields.optionalBytes("sealed"), try EventHeader(fields))
        } else {
            self = .event(address: try fields.optionalAddress("address"), try EventHeader(fields))
        }
    }
}

extension EventHeader {
    var stored: [String: Value] {
        var map: [String: Value] = [
            "seq": .int(Int(seq)), "serial": .int(serial), "event": .string(kind.rawValue),
        ]
        map.put("token", token.map(Value.string))
        if !text.isEmpty { map["text"] = .string(text) }
        return map
    }

    init(_ fields: StoredFields) throws(StoredFault) {
        self.init(
            seq: Int64(try fields.int("seq")), serial: try fields.int("serial"), kind: try fields.word("event"),
            token: try fields.optionalText("token"), text: try fields.optionalText("text") ?? "")
    }
}
