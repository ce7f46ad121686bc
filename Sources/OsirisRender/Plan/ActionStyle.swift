import OsirisPlanner

extension Action {
    /// Riskiest first: the order in which a person should meet them.
    static let byRisk: [Action] = [.delete, .replace, .update, .move, .create]

    var symbol: String {
        switch self {
        case .create: "+"
        case .update: "~"
        case .replace: "-/+"
        case .delete: "-"
        case .move: "=>"
        case .noop: " "
        }
    }

    /// As a person says it.
    var verb: String { self == .move ? "rename" : rawValue }

    var paint: Paint {
        switch self {
        case .create: .green
        case .update: .yellow
        case .replace, .delete: .red
        case .move: .cyan
        case .noop: .dim
        }
    }
}

extension ActionReason {
    /// The kind of reason without its details: what alike changes have in common.
    var kind: String {
        switch self {
        case .added: "added"
        case .manifestChanged: "changed in the manifest"
        case .drifted: "changed outside osiris"
        case .manifestChangedAndDrifted: "changed in the manifest and outside osiris"
        case .gone: "gone"
        case .parentMade(_, let action, _): "what each lives on is \(action == .replace ? "replaced" : "created")"
        case .follows: "what each refers to changes"
        case .incomplete: "the last apply of each did not finish"
        case .keyChanged: "the state's key was changed"
        case .secretLost: "a secret of each is lost and made anew"
        case .expires(let what, _): "the \(what) of each ends soon"
        case .rotationAsked: "another certificate authority was asked for"
        case .recorded: "as saved with the plan"
        case .orphaned: "in no state"
        case .moved: "renamed in the manifest"
        case .removed: "removed"
        case .destroyed: "destroyed"
        }
    }
}
