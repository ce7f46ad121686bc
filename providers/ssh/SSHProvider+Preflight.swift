import OsirisDiagnostics
import OsirisManifest
import OsirisModel
import OsirisProviderKit

extension SSHProvider {
    /// Looks at the hosts that a plan is about to change, all at once, and says which cannot take the change. What a read has
    /// seen of them a moment ago counts.
    public func preflight(_ changes: [PreflightChange], of cluster: Cluster) async -> [PreflightFault] {
        let byHost = Dictionary(grouping: changes.filter { $0.root.type == SSHHost.type.name }, by: \.root)
        let archs = Self.archs(of: cluster)
        let looks = await concurrently(byHost.keys.sorted()) { root in
            await look(root, byHost[root] ?? [], archs, cluster)
        }
        let twins = HostPreflight.twins(
            looks.compactMap { look in
                look.facts.map { (name: String(look.root.name), address: look.root.text, facts: $0) }
            })
        return looks.flatMap(\.faults)
            + twins.compactMap { twin in
                twin.address.flatMap(ResourceAddress.init).map { Self.fault($0, twin) }
            }
    }

    private struct Look {
        var root: ResourceAddress
        var facts: HostFacts?
        var faults: [PreflightFault] = []
    }

    private func look(
        _ root: ResourceAddress, _ changes: [PreflightChange], _ archs: Set<String>, _ cluster: Cluster
    ) async -> Look {
        let target = cluster.targets.first { $0.name == root.target }
        let settings = target?.settings ?? [:]
        let place: HostPlace
        do {
            place = try hosts.place(
                of: root, changes.filter { $0.address == root }.map(\.planned), in: cluster)
        } catch {
            let fault = error as? ProviderError
            return Look(
                root: root,
                faults: [
                    PreflightFault(
                        root: root, code: .hostUnreachable, message: fault?.message ?? "\(error)", help: fault?.help)
                ])
        }
        switch await hosts.facts(place) {
        case .failure(let error):
            return Look(root: root, faults: [Self.fault(root, Diagnostic(error, host: String(root.name)))])
        case .success(let facts):
            let former = changes.first { $0.address == root }?.movedFrom
            let isOurs = facts.marker("host").map { marker in
                [root, former].contains { $0.map { marker.belongs(to: cluster.name, $0) } ?? false }
            }
            if let cordon = HostCordon(facts), isOurs == true {
                let help = "`osiris hosts uncordon --target \(root.target) --host \(root.name)`, then apply"
                return Look(
                    root: root, facts: facts,
                    faults: [
                        PreflightFault(
                            root: root, code: .hostCordoned, message: cordon.text, help: help, effect: .leftAlone)
                    ])
            }
            var wishes = HostWishes(root, settings, archs: archs, of: cluster)
            wishes.formerAddress = former?.text
            let faults = HostPreflight.faults(facts, wishes, of: String(root.name))
            return Look(root: root, facts: facts, faults: faults.map { Self.fault(root, $0) })
        }
    }

    private static func fault(_ root: ResourceAddress, _ diagnostic: Diagnostic) -> PreflightFault {
        PreflightFault(
            root: root, code: diagnostic.code, message: diagnostic.message, help: diagnostic.help,
            effect: diagnostic.severity == .error ? .setAside : .warning)
    }

    /// Of the archive's image; empty where there is only a reference, or nobody can tell.
    static func archs(of cluster: Cluster) -> Set<String> {
        guard cluster.hub.image == nil, let archive = ImageArchive(of: cluster) else { return [] }
        let found = try? archive.architecture()
        return found.flatMap(\.self).map { [ImageArchive.machines[$0] ?? $0] } ?? []
    }
}
