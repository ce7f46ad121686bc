import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The resources a cluster wants, each after everything it needs.
public struct DesiredGraph: Sendable {
    /// In dependency order; ties keep the manifest's order.
    public let declarations: [ResourceDeclaration]
    /// For each declaration the indices it needs: parent, `dependsOn`, references.
    public let dependencies: [[Int]]
    let indices: [ResourceAddress: Int]
    /// The failure domain of each machine, by the address of its hub; a machine without one is in that of its target.
    public let domains: [ResourceAddress: String]

    /// Links declarations into a graph.
    /// - Throws: `DiagnosticsError` naming every duplicate address, unknown dependency and one cycle as a path.
    public init(
        linking unordered: [ResourceDeclaration], domains: [ResourceAddress: String] = [:]
    ) throws {
        self.domains = domains
        var diagnostics: [Diagnostic] = []
        var indices: [ResourceAddress: Int] = [:]
        indices.reserveCapacity(unordered.count)
        for (index, declaration) in unordered.enumerated() {
            if let first = indices.updateValue(index, forKey: declaration.address) {
                diagnostics.append(
                    Diagnostic(
                        .duplicateAddress, "two resources have the address `\(declaration.address)`",
                        at: declaration.spans.whole, address: declaration.address.text,
                        notes: [.init("the first is declared here", at: unordered[first].spans.whole)],
                        help: "give one of them another name"))
            }
        }
        var needs: [[Int]] = []
        needs.reserveCapacity(unordered.count)
        for declaration in unordered {
            var wanted: [Int] = []
            func add(_ address: ResourceAddress) {
                guard let index = indices[address] else {
                    diagnostics.append(
                        Diagnostic(
                            .unknownDependency, "`\(declaration.address)` needs `\(address)`, which is not declared",
                            at: declaration.spans.whole, address: declaration.address.text,
                            help: "This is a bug in the provider `\(declaration.provider)`."))
                    return
                }
                if !wanted.contains(index) { wanted.append(index) }
            }
            if let parent = declaration.parent { add(parent) }
            declaration.dependsOn.forEach(add)
            for value in declaration.attributes.values { value.forEachReference { add($0.address) } }
            // References come out of dictionaries in any order.
            needs.append(wanted.sorted())
        }
        if diagnostics.hasErrors { throw DiagnosticsError(diagnostics) }
        let (order, cycle) = topologicalOrder(needs)
        if !cycle.isEmpty {
            let path = (cycle + [cycle[0]]).map { "`\(unordered[$0].address)`" }.joined(separator: " needs ")
            throw DiagnosticsError([
                Diagnostic(
                    .dependencyCycle, "resources need each other in a circle: \(path)",
                    at: unordered[cycle[0]].spans.whole,
                    notes: cycle.dropFirst().map {
                        .init("`\(unordered[$0].address)` is declared here", at: unordered[$0].spans.whole)
                    }, help: "remove one of the references")
            ])
        }
        var newIndex = [Int](repeating: 0, count: unordered.count)
        for (position, old) in order.enumerated() { newIndex[old] = position }
        declarations = order.map { unordered[$0] }
        dependencies = order.map { old in needs[old].map { newIndex[$0] } }
        self.indices = indices.mapValues { newIndex[$0] }
    }

    /// The empty graph: what `destroy` plans for.
    public static let empty = DesiredGraph()

    private init() { (declarations, dependencies, indices, domains) = ([], [], [:], [:]) }
}

/// Kahn's algorithm. `needs[i]` are the nodes that come before `i`.
/// - Returns: an order, smallest index first among those that are ready in the same round, and an empty cycle;
///   or a partial order and one cycle as a path in which each node needs the next.
func topologicalOrder(_ needs: [[Int]]) -> (order: [Int], cycle: [Int]) {
    var missing = needs.map(\.count)
    var dependants = [[Int]](repeating: [], count: needs.count)
    for (node, list) in needs.enumerated() { for need in list { dependants[need].append(node) } }
    var order = needs.indices.filter { missing[$0] == 0 }
    order.reserveCapacity(needs.count)
    var next = 0
    while next < order.count {
        for dependant in dependants[order[next]] {
            missing[dependant] -= 1
            if missing[dependant] == 0 { order.append(dependant) }
        }
        next += 1
    }
    guard order.count < needs.count else { return (order, []) }
    // Every node left needs another node left: walking the needs must come back to a node already seen.
    var path: [Int] = []
    var node = missing.firstIndex { $0 > 0 }!
    while !path.contains(node) {
        path.append(node)
        node = needs[node].first { missing[$0] > 0 }!
    }
    return (order, Array(path[path.firstIndex(of: node)!...]))
}
