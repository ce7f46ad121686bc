import OsirisDiagnostics
import OsirisModel
import OsirisProviderKit

/// Which recorded resources get another address, and the planner's question as if they had it already. Pure.
struct Moves {
    /// By the new address.
    private(set) var moves: [ResourceAddress: ResourceMove] = [:]
    private var targets: [ResourceAddress: ResourceAddress] = [:]

    /// - Throws: `DiagnosticsError` OSR0315 for everything that cannot have its new name.
    init(_ request: PlanRequest) throws {
        guard request.mode == .apply, !request.cluster.moved.isEmpty else { return }
        let names = MovedNames(request.cluster.moved, desired: request.desired)
        var faults: [Diagnostic] = []
        for record in request.recorded.values.sorted(by: { $0.address < $1.address }) {
            guard let (to, entry) = names.renamed(record.address), !Self.isGone(record.address, request) else {
                continue
            }
            if let other = moves[to]?.from ?? (request.recorded[to] == nil ? nil : to) {
                faults.append(
                    Diagnostic(
                        .movedTaken,
                        other == to
                            ? "`\(record.address)` cannot become `\(to)`: the state has a resource of that name"
                            : "`\(other)` and `\(record.address)` would both become `\(to)`",
                        at: entry.span, address: record.address.text,
                        help: "take the entry out of `moved`, and `\(record.address)` is deleted; or delete `\(other)` "
                            + "first"))
                continue
            }
            if let index = request.desired.indices[to],
                case let wanted = request.desired.declarations[index].provider, wanted != record.provider
            {
                faults.append(
                    Diagnostic(
                        .movedTaken,
                        "`\(record.address)` is of provider `\(record.provider)`, and `\(to)` in the manifest is of "
                            + "`\(wanted)`", at: entry.span, address: record.address.text,
                        help: "an object stays where it is; take the entry out of `moved`, and it is deleted and made "
                            + "anew"))
                continue
            }
            moves[to] = ResourceMove(from: record.address, source: entry.span)
            targets[record.address] = to
        }
        if !faults.isEmpty { throw DiagnosticsError(faults) }
    }

    /// What is no longer there has no name to change; nor has what lived on it.
    private static func isGone(_ address: ResourceAddress, _ request: PlanRequest) -> Bool {
        var next: ResourceAddress? = address
        var steps = 0
        while let present = next, steps < 64 {
            if case .absent = request.actual[present] { return true }
            (next, steps) = (request.recorded[present]?.parent, steps + 1)
        }
        return false
    }

    func applied(to request: PlanRequest) -> PlanRequest {
        if moves.isEmpty { return request }
        var request = request
        request.recorded = Dictionary(
            uniqueKeysWithValues: request.recorded.values.map { record in
                let record = record.renamed { targets[$0] ?? $0 }
                return (record.address, record)
            })
        request.actual = Dictionary(
            uniqueKeysWithValues: request.actual.map { (targets[$0.key] ?? $0.key, $0.value) })
        return request
    }
}

/// The other name that a resource had until now.
public struct ResourceMove: Sendable, Hashable {
    public var from: ResourceAddress
    /// The entry of `moved` that says so; nil for one from the command line.
    public var source: SourceSpan?

    public init(from: ResourceAddress, source: SourceSpan?) {
        self.from = from
        self.source = source
    }
}
