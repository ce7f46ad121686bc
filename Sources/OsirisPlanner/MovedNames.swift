import OsirisDiagnostics
import OsirisManifest
import OsirisModel

/// What resources are called now, by the entries of `moved`. Pure.
///
/// A target takes everything in it along, a machine everything that has its name, a function is meant in every hub. An
/// entry may go on from what another one leads to.
struct MovedNames {
    private let entries: [MovedSpec]
    private let desired: DesiredGraph
    /// By target: those names of its machines that are the target's own, as that of a local target is.
    private let ownNames: Set<String>

    init(_ entries: [MovedSpec], desired: DesiredGraph) {
        self.entries = entries
        self.desired = desired
        var own = Set<String>()
        if !entries.isEmpty {
            for declaration in desired.declarations
            where Self.machine(declaration.address.name) == declaration.address.target {
                own.insert(String(declaration.address.target))
            }
        }
        ownNames = own
    }

    /// The new address of a recorded resource and the entry that says so first; nil if it has none.
    func renamed(_ address: ResourceAddress) -> (to: ResourceAddress, entry: MovedSpec)? {
        var present = address
        var first: MovedSpec?
        var open = entries
        while let index = open.firstIndex(where: { apply($0, to: present) != nil }) {
            let entry = open.remove(at: index)
            present = apply(entry, to: present) ?? present
            first = first ?? entry
        }
        guard let first, present != address else { return nil }
        return (present, first)
    }

    private func apply(_ entry: MovedSpec, to address: ResourceAddress) -> ResourceAddress? {
        switch (entry.from, entry.to) {
        case (.target(let from), .target(let to)):
            guard address.target == from else { return nil }
            var name = String(address.name)
            if Self.machine(address.name) == from, ownNames.contains(last(entry.to)) {
                name = "\(to)\(name.dropFirst(from.count))"
            }
            return ResourceAddress(target: to, type: String(address.type), name: name)
        case (.function(let oldNamespace, let old), .function(let namespace, let new)):
            let ending = ".\(oldNamespace).\(old)"
            guard address.type == "function", address.name.hasSuffix(ending) else { return nil }
            return ResourceAddress(
                target: String(address.target), type: "function",
                name: "\(address.name.dropLast(ending.count)).\(namespace).\(new)")
        case (.resource(let from), .resource(let to)):
            if address == from { return to }
            let (old, new) = (Self.machine(from.name), Self.machine(to.name))
            // Only what the machine's name stands for has it; what is still wanted under its name keeps it.
            guard from.type != "function", address.target == from.target, Self.machine(address.name) == old,
                desired.indices[address] == nil
            else { return nil }
            return ResourceAddress(
                target: String(to.target), type: String(address.type),
                name: "\(new)\(address.name.dropFirst(old.count))")
        default: return nil
        }
    }

    /// What a target is called in the end.
    private func last(_ name: MovedSpec.Name) -> String {
        var present = name
        var steps = 0
        while let next = entries.first(where: { $0.from == present })?.to, steps <= entries.count {
            (present, steps) = (next, steps + 1)
        }
        return present.description
    }

    /// The machine that a resource's name begins with.
    static func machine(_ name: Substring) -> Substring { name.prefix { $0 != "." } }
}

extension MovedNames {
    /// Faults of entries that show when the resources are known, and of one that was never in a manifest.
    static func faults(of cluster: Cluster, in desired: DesiredGraph) -> [Diagnostic] {
        if cluster.moved.isEmpty { return [] }
        let names = MovedNames(cluster.moved, desired: desired)
        let (targets, functions) = (
            Set(cluster.targets.map(\.name)), Set(cluster.functions.map { "\($0.namespace)/\($0.name)" })
        )
        return cluster.moved.compactMap { entry in
            let (isThere, isWanted): (Bool, Bool)
            switch (entry.from, entry.to) {
            case (.resource(let from), .resource(let to)):
                isThere = desired.indices[from] != nil
                isWanted = desired.indices[names.renamed(to)?.to ?? to] != nil
            default:
                let known = targets.union(functions)
                isThere = known.contains(entry.from.description)
                isWanted = known.contains(names.last(entry.to))
            }
            if isThere {
                return Diagnostic(
                    .movedEntry, "`\(entry.from)` is still in the manifest", at: entry.span,
                    help: "rename it to `\(entry.to)`, or take the entry out")
            }
            if !isWanted {
                return Diagnostic(
                    .movedEntry, "the manifest has no `\(entry.to)`", at: entry.span,
                    help: "`osiris graph --json` lists the addresses of the manifest")
            }
            return nil
        }
    }
}
