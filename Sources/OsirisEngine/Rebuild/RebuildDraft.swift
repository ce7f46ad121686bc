import OsirisDiagnostics
import OsirisModel
import OsirisPlanner
import OsirisProviderKit

/// The state that follows from what was found: a plain value, nothing is asked and nothing written.
public struct RebuildDraft: Sendable {
    /// What can be recorded, by address.
    public private(set) var records: [ResourceRecord] = []
    /// Where each recorded object is.
    public private(set) var places: [ResourceAddress: String] = [:]
    /// The lineage to take over; nil if no object tells one.
    public private(set) var lineage: String?
    /// Errors that name what was left out: the rest can be recorded.
    public private(set) var leftOut: [Diagnostic] = []
    /// Errors that leave nothing to record.
    public private(set) var refusals: [Diagnostic] = []

    /// - Parameters:
    ///   - desired: what the manifest wants: it gives the records the manifest lines and needs they had.
    ///   - lineages: those to take over, the state's own first; empty to take the only one there is.
    public init(_ finds: [Rebuild.Find], desired: DesiredGraph, lineages chosen: [String] = []) {
        let told = Dictionary(grouping: finds.compactMap(\.resource.lineage)) { $0 }.mapValues(\.count)
        lineage = chosen.first ?? told.keys.first
        if chosen.isEmpty && told.count > 1 { refusals.append(Self.several(finds, told)) }
        for choice in chosen where told[choice] == nil {
            refusals.append(
                Diagnostic(
                    .severalLineages, "no object has the lineage \(choice)",
                    help: told.isEmpty
                        ? "leave `--lineage` out" : "there are: \(told.keys.sorted().joined(separator: ", "))"))
        }
        guard refusals.isEmpty else { return }
        let ours = finds.filter { find in
            chosen.isEmpty || find.resource.lineage.map(chosen.contains) ?? true
        }
        if ours.count < finds.count {
            let count = finds.count - ours.count
            leftOut.append(
                Diagnostic(
                    .severalLineages, "\(count) object\(count == 1 ? "" : "s") of other lineages left out",
                    help: "if they are yours too, name their lineages with `--lineage` as well"))
        }
        assemble(Dictionary(grouping: ours) { $0.resource.address }, desired)
    }

    private mutating func assemble(_ claims: [ResourceAddress: [Rebuild.Find]], _ desired: DesiredGraph) {
        var single: [ResourceAddress: Rebuild.Find] = [:]
        for (address, finds) in claims.sorted(by: { $0.key < $1.key }) {
            if finds.count == 1 { single[address] = finds[0] } else { leftOut.append(Self.double(address, finds)) }
        }
        // What lives on something that is left out goes with it, level by level.
        while true {
            let orphans = single.values.filter { $0.resource.parent.map { single[$0] == nil } ?? false }
            if orphans.isEmpty { break }
            for (parent, orphans) in Dictionary(grouping: orphans, by: { $0.resource.parent! }).sorted(by: {
                $0.key < $1.key
            }) {
                leftOut.append(Self.orphaned(orphans.map(\.resource.address).sorted(), parent, claims[parent] != nil))
            }
            for orphan in orphans { single[orphan.resource.address] = nil }
        }
        let declarations = Dictionary(uniqueKeysWithValues: desired.declarations.map { ($0.address, $0) })
        for (address, find) in single.sorted(by: { $0.key < $1.key }) {
            records.append(Self.record(find, declarations[address]))
            places[address] = find.resource.place
        }
    }

    /// As the apply recorded it that made the object.
    static func record(_ find: Rebuild.Find, _ declaration: ResourceDeclaration?) -> ResourceRecord {
        var needs = find.resource.dependsOn
        if let declaration {
            needs += declaration.dependsOn + declaration.attributes.references
        }
        var seen: Set<ResourceAddress> = []
        return ResourceRecord(
            address: find.resource.address, provider: find.provider, attributes: find.resource.attributes,
            parent: find.resource.parent, dependsOn: needs.filter { seen.insert($0).inserted },
            source: declaration?.spans.whole, incomplete: find.resource.incomplete)
    }
}

// MARK: Faults

extension RebuildDraft {
    private static func double(_ address: ResourceAddress, _ finds: [Rebuild.Find]) -> Diagnostic {
        Diagnostic(
            .doubleClaim, "\(finds.count) objects claim to be `\(address)`: none of them is recorded",
            address: address.text,
            notes: finds.map { find in
                let operation = find.resource.operation.map { ", last changed by operation \($0)" } ?? ""
                let lineage = find.resource.lineage.map { ", made under lineage \($0)" } ?? ""
                return .init("\(find.resource.place)\(operation)\(lineage)")
            }, help: "find out which one is in use, remove the others, and run `osiris state rebuild` again")
    }

    private static func orphaned(
        _ addresses: [ResourceAddress], _ parent: ResourceAddress, _ isLeftOut: Bool
    ) -> Diagnostic {
        let shown = addresses.prefix(3).map { "`\($0)`" }.joined(separator: ", ")
        let more = addresses.count > 3 ? " and \(addresses.count - 3) more" : ""
        let verb = addresses.count == 1 ? "lives" : "live"
        let are = addresses.count == 1 ? "is" : "are"
        return Diagnostic(
            .parentMissing,
            "\(shown)\(more) \(verb) on `\(parent)`, which \(isLeftOut ? "is left out" : "was not found"), and \(are) left out",
            address: addresses[0].text,
            help: isLeftOut
                ? "they are found again once that one is"
                : "see what became of it, and run `osiris state rebuild` again")
    }

    private static func several(_ finds: [Rebuild.Find], _ told: [String: Int]) -> Diagnostic {
        // The one of most objects first: it is likely the one that was lost.
        let byCount = told.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return Diagnostic(
            .severalLineages, "the objects were made under \(told.count) different states",
            notes: byCount.map { lineage, count in
                let example = finds.map(\.resource).filter { $0.lineage == lineage }.min { $0.address < $1.address }
                return .init(
                    "lineage \(lineage): \(count) object\(count == 1 ? "" : "s"), such as `\(example!.address)`, \(example!.place)"
                )
            },
            help: """
                somebody else may have a cluster of this name in the same place; name the lineages that are yours, that of \
                the lost state first: osiris state rebuild --lineage \(byCount[0].key)
                """)
    }
}
