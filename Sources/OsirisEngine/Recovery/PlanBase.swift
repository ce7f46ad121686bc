import OsirisDiagnostics
import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisState

/// What a plan is made from: the state, settled and refreshed.
public struct PlanBase: Sendable {
    public var lineage: String
    public var serial: Int
    /// The state's records, with those of settled intents.
    public var records: [ResourceAddress: ResourceRecord]
    /// Empty without a refresh.
    public var actual: [ResourceAddress: ReadResult]
    /// What became of operations an earlier run left open; apply writes these first.
    public var settled: [SettledIntent]
    /// Creates that could not be settled.
    public var openCreates: [ResourceAddress: Intent] {
        settled.reduce(into: [:]) { intents, settled in
            if case .open = settled.outcome, settled.intent.action == .create {
                intents[settled.intent.address] = settled.intent
            }
        }
    }

    /// The first resource a saved plan touches whose facts are no longer those the plan was made from.
    ///
    /// The same facts in other words, and what differs from read to read, have not moved.
    public func firstMovedFact(of plan: Plan, _ registry: ProviderRegistry) -> ResourceAddress? {
        plan.changes.first { change in
            switch actual[change.recordedAddress] {
            case .present(let attributes):
                change.action == .create
                    || registry.handler(provider: change.provider, type: change.address.type).map {
                        !AttributeDiff($0.type.schema).drift(recorded: change.prior, actual: attributes).isEmpty
                    } ?? (attributes != change.prior)
            case .absent: change.action == .update || change.action == .replace
            // Not readable now, nor then: the record is all there is, and the serial vouches for it.
            case .unreadable, nil: false
            }
        }?.address
    }

    /// The records of operations that came half way, as they are now: they say what was there before.
    var unfinished: [ResourceRecord] {
        records.values.compactMap { $0.incomplete == nil ? nil : renewed($0.address) }
    }

    /// The records that refresh found changed, as they are now. Taken from the world, not from the plan: a saved plan
    /// knows secrets only by digest.
    func drifted(in plan: Plan) -> [ResourceRecord] {
        let names = Dictionary(plan.renames.map { ($0.value, $0.key) }) { first, _ in first }
        return plan.drift.compactMap { renewed(names[$0.address] ?? $0.address) }
    }

    /// Nil for what is not there, or could not be read.
    private func renewed(_ address: ResourceAddress) -> ResourceRecord? {
        guard case .present(let attributes) = actual[address], var record = records[address] else { return nil }
        record.attributes = attributes
        return record
    }
}

/// An operation an earlier run began and did not record the end of, and what became of it.
public struct SettledIntent: Sendable {
    public enum Outcome: Sendable {
        /// The object exists; its record.
        case landed(ResourceRecord)
        /// It certainly does not exist, or refresh will tell (updates, deletes).
        case closed(String)
        /// Nobody can say now.
        case open(Diagnostic)
    }

    public var intent: Intent
    public var outcome: Outcome

    /// One line for people.
    public var text: String {
        switch outcome {
        case .landed: "`\(intent.address)` was created by the run that was cut off: taken over"
        case .closed(let why): "`\(intent.address)`: \(why)"
        case .open(let diagnostic): diagnostic.message
        }
    }
}
