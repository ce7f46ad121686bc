import OsirisDiagnostics
import OsirisModel

/// `--target` and `--exclude`: which resources a plan may touch.
public struct Selection: Sendable {
    public var targets: [String]
    public var excludes: [String]

    /// - Parameters:
    ///   - targets: addresses, globs or target names; what they need is taken along, and what needs a resource that is
    ///     deleted. Empty: everything.
    ///   - excludes: the same forms; what depends on them is left out too, and what they still need is not deleted.
    public init(targets: [String] = [], excludes: [String] = []) {
        self.targets = targets
        self.excludes = excludes
    }

    public static let everything = Selection()

    /// The addresses that may change.
    /// - Parameters:
    ///   - setAside: what is left out besides, with what depends on it.
    ///   - desired: for every desired resource what it needs.
    ///   - recorded: for every recorded resource what it needed; one that is not desired is deleted.
    /// - Throws: `DiagnosticsError` for a pattern that matches nothing.
    func resolve(
        setAside: Set<ResourceAddress> = [], desired: [ResourceAddress: [ResourceAddress]],
        recorded: [ResourceAddress: [ResourceAddress]]
    ) throws -> Set<ResourceAddress> {
        let known = Set(desired.keys).union(recorded.keys)
        var diagnostics: [Diagnostic] = []
        func matching(_ patterns: [String], _ option: String) -> Set<ResourceAddress> {
            var found = Set<ResourceAddress>()
            for pattern in patterns {
                let glob = Glob(pattern.contains("/") ? pattern : pattern + "/*")
                let hits = known.filter { glob.matches($0.text) }
                if hits.isEmpty {
                    diagnostics.append(
                        Diagnostic(
                            .noMatch, "`\(option) \(pattern)` matches no resource",
                            help: "addresses look like `here/hub.here`; `osiris state list` and `osiris plan` show them"
                        ))
                }
                found.formUnion(hits)
            }
            return found
        }
        var chosen = known
        if !targets.isEmpty {
            let recordedDependants = Self.reversed(recorded)
            chosen = Self.closure(of: matching(targets, "--target")) { address in
                // A delete takes along those who live on it or hold on to it, not what it lives on.
                desired[address] ?? recordedDependants[address] ?? []
            }
        }
        if !excludes.isEmpty || !setAside.isEmpty {
            let desiredDependants = Self.reversed(desired)
            chosen.subtract(
                Self.closure(of: matching(excludes, "--exclude").union(setAside)) { address in
                    (desiredDependants[address] ?? []) + (recorded[address] ?? []).filter { desired[$0] == nil }
                })
        }
        if diagnostics.hasErrors { throw DiagnosticsError(diagnostics) }
        return chosen
    }

    private static func reversed(
        _ needs: [ResourceAddress: [ResourceAddress]]
    ) -> [ResourceAddress: [ResourceAddress]] {
        var dependants: [ResourceAddress: [ResourceAddress]] = [:]
        for (address, list) in needs { for need in list { dependants[need, default: []].append(address) } }
        return dependants
    }

    private static func closure(
        of start: Set<ResourceAddress>, along next: (ResourceAddress) -> [ResourceAddress]
    ) -> Set<ResourceAddress> {
        var reached = start
        var pending = Array(start)
        while let address = pending.popLast() {
            for other in next(address) where reached.insert(other).inserted { pending.append(other) }
        }
        return reached
    }
}
