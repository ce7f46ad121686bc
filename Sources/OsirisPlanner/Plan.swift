import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit

/// The proposal: what will change and why, and the operations that make it so, in order.
///
/// Apply runs exactly these operations. The base (lineage, serial, manifest digest) tells whether it still may.
public struct Plan: Sendable {
    public enum Mode: String, Sendable { case apply, destroy }

    public var mode: Mode
    public var cluster: String
    /// Identity of the state the plan was made from, and its version then.
    public var lineage: String
    public var serial: Int
    /// `sha256:…` of everything the manifest consists of.
    public var manifestDigest: String
    /// Without no-ops; sorted by address.
    public var changes: [ResourceChange]
    /// Sorted by address.
    public var drift: [ResourceDrift]
    /// Resources that are as wanted.
    public var noopCount: Int
    public var operations: [PlannedOperation]
    /// The machines that serve and take turns; nil if the plan changes none.
    public var rollout: PlannedRollout?
    /// Why nothing is changed on some roots; sorted by root, of which one may have several.
    public var setAside: [PreflightFault]
    /// Warnings, such as an object that could not be read, and refusals by a safety limit.
    public var diagnostics: [Diagnostic]
    /// Faults that make apply refuse (exit code 4).
    public var refusals: [Diagnostic]

    public init(
        mode: Mode, cluster: String, lineage: String, serial: Int, manifestDigest: String, changes: [ResourceChange],
        drift: [ResourceDrift], noopCount: Int, operations: [PlannedOperation], rollout: PlannedRollout? = nil,
        setAside: [PreflightFault] = [], diagnostics: [Diagnostic] = [], refusals: [Diagnostic] = []
    ) {
        self.mode = mode
        self.cluster = cluster
        self.lineage = lineage
        self.serial = serial
        self.manifestDigest = manifestDigest
        self.changes = changes
        self.drift = drift
        self.noopCount = noopCount
        self.operations = operations
        self.rollout = rollout
        self.setAside = setAside
        self.diagnostics = diagnostics
        self.refusals = refusals
    }

    public var isEmpty: Bool { changes.isEmpty }

    /// Roots that cannot take their changes now. Plan and apply end with exit code 1.
    public var rootsSetAside: [ResourceAddress] {
        Set(setAside.lazy.filter { !$0.isWanted }.map(\.root)).sorted()
    }

    /// Roots that are not changed because somebody wants it so.
    public var rootsLeftAlone: [ResourceAddress] {
        Set(setAside.lazy.filter(\.isWanted).map(\.root)).subtracting(rootsSetAside).sorted()
    }

    /// What is to be shown below the changes: warnings, and why roots were set aside.
    public var faults: [Diagnostic] { diagnostics + faultsAside }

    /// Why roots were set aside. What holds for many of one target alike, such as an ended session, is said once.
    private var faultsAside: [Diagnostic] {
        struct Cause: Hashable {
            var target: Substring
            var fault: PreflightFault
        }
        let nowhere = ResourceAddress(target: "", type: "", name: "")
        let groups = Dictionary(grouping: setAside.indices) { index in
            var fault = setAside[index]
            let target = fault.root.target
            (fault.root, fault.source) = (nowhere, nil)
            return Cause(target: target, fault: fault)
        }
        return groups.values.flatMap { $0.count > Self.mostAlike ? [$0] : $0.map { [$0] } }
            .sorted { $0[0] < $1[0] }.map { alike in
                var diagnostic = setAside[alike[0]].diagnostic
                if alike.count > 1 {
                    let others = alike.dropFirst().map { "`\(setAside[$0].root)`" }
                    diagnostic.notes.append(
                        .init(
                            "so are \(others.count) more: \(others.prefix(Self.mostAlike).joined(separator: ", "))"
                                + (others.count > Self.mostAlike ? " …" : "")))
                }
                return diagnostic
            }
    }

    private static let mostAlike = 3

    /// What is renamed: the new address of each, by the one that the state has.
    public var renames: [ResourceAddress: ResourceAddress] {
        Dictionary(changes.lazy.filter { $0.moved != nil }.map { ($0.recordedAddress, $0.address) }) { first, _ in first
        }
    }

    public func count(_ action: Action) -> Int {
        action == .noop ? noopCount : changes.reduce(0) { $1.action == action ? $0 + 1 : $0 }
    }
}

/// One provider call of a plan.
public struct PlannedOperation: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case create, update, delete
        /// The object gets the marks of its new address, and the state the address.
        case move
        /// No call: the object went with its parent, only the record is dropped.
        case forget
    }

    /// Index of the change in `Plan.changes` this belongs to.
    public var change: Int
    public var kind: Kind
    /// Indices in `Plan.operations` that must have succeeded before.
    public var needs: [Int]

    public init(change: Int, kind: Kind, needs: [Int] = []) {
        self.change = change
        self.kind = kind
        self.needs = needs
    }
}
