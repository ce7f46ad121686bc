import OsirisDiagnostics
import OsirisModel

/// `--target` and `--exclude`: which resources a plan may touch.
public struct Selection: Sendable {
    public var targets: [String]
    public var excludes: [String]

    /// - Parameters:
    ///   - targets: addresses, globs or target names; what they need is taken along. Empty: everything.
    ///   - excludes: the same forms; what depends on them is left out too.
    public init(targets: [String] = [], excludes: [String] = []) {
        self.targets = targets
        self.excludes = excludes
    }

    public static let everything = Selection()

    /// The addresses that may change, or nil for all.
    /// - Parameter needs: for every known resource what it needs, desired or recorded.
    /// - Throws: `DiagnosticsError` for a pattern that matches nothing.
    func resolve(_ needs: [ResourceAddress: [ResourceAddress]]) throws -> Set<ResourceAddress>? {
        if targets.isEmpty && excludes.isEmpty { return nil }
        var diagnostics: [Diagnostic] = []
        func matching(_ patterns: [String], _ option: String) -> Set<ResourceAddress> {
            var found = Set<ResourceAddress>()
            for pattern in patterns {
                let glob = Glob(pattern.contains("/") ? pattern : pattern + "/*")
                let hits = needs.keys.filter { glob.matches($0.text) }
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
        var chosen = Set(needs.keys)
        if !targets.isEmpty {
            chosen = Self.closure(of: matching(targets, "--target"), along: needs)
        }
        if !excludes.isEmpty {
            var dependants: [ResourceAddress: [ResourceAddress]] = [:]
            for (address, list) in needs { for need in list { dependants[need, default: []].append(address) } }
            chosen.subtract(Self.closure(of: matching(excludes, "--exclude"), along: dependants))
        }
        if diagnostics.hasErrors { throw DiagnosticsError(diagnostics) }
        return chosen
    }

    private static func closure(
        of start: Set<ResourceAddress>, along edges: [ResourceAddress: [ResourceAddress]]
    ) -> Set<ResourceAddress> {
        var reached = start
        var pending = Array(start)
        while let address = pending.popLast() {
            for next in edges[address] ?? [] where reached.insert(next).inserted { pending.append(next) }
        }
        return reached
    }
}
