import OsirisModel
import OsirisPlanner
import OsirisState

/// What undoes the turn of a machine that failed: the steps in order, and what cannot be undone. Pure.
struct PutBack: Sendable {
    /// One update to what an object was before, or the delete of one that was not there before.
    struct Step: Sendable {
        var address: ResourceAddress
        /// As it was before the turn; nil for one that was not there.
        var earlier: ResourceRecord?
    }

    private(set) var steps: [Step] = []
    /// Replaced or deleted: the old object is gone for good.
    private(set) var lost: [ResourceAddress] = []

    /// - Parameters:
    ///   - failed: operations of the turn that failed, in that order.
    ///   - done: those that succeeded, in that order.
    ///   - before: the records when the apply began.
    init(_ plan: Plan, failed: [Int], done: [Int], before: [ResourceAddress: ResourceRecord]) {
        // A name that was given stays.
        let renames = plan.renames
        for index in failed.reversed() + done.reversed() {
            let operation = plan.operations[index]
            let change = plan.changes[operation.change]
            let hasFailed = failed.contains(index)
            switch (operation.kind, change.action) {
            case (.update, _):
                guard let earlier = before[change.recordedAddress]?.renamed({ renames[$0] ?? $0 }) else { continue }
                steps.append(Step(address: change.address, earlier: earlier))
            // A failed create may have made something or not: recovery finds out, as after a kill.
            case (.create, .create) where !hasFailed: steps.append(Step(address: change.address, earlier: nil))
            case (_, .replace) where !lost.contains(change.address): lost.append(change.address)
            case (.delete, .delete) where !hasFailed: lost.append(change.address)
            default: break
            }
        }
    }
}

extension Intent {
    private static let putBackPrefix = "put-back-"

    /// The operation undoes an update whose machine failed. Its token says so; `planned` is all that the object was.
    ///
    /// One that a killed run left open is carried out by the next apply before it plans.
    public var isPutBack: Bool { token.hasPrefix(Self.putBackPrefix) }

    static func putBackToken(_ unique: String) -> String { putBackPrefix + unique }
}
