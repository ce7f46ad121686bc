import OsirisManifest
import OsirisModel
import OsirisProviderKit

extension SimulatedHandler {
    /// One reading of each store that a target of the manifest names. Nothing changes by itself meanwhile.
    func discover(_ request: DiscoveryRequest) async -> Discovery {
        var found = Discovery()
        var searched: Set<String> = []
        let targets = request.cluster.targets.filter { $0.provider == SimulatedProvider.name }
        let names = Set(targets.map(\.name))
        let named = targets.map { target in
            let place = ResourceAddress(target: target.name, type: Kind.type.name, name: "*")
            return (target, place, self.place.storePath([:], [], place, request.cluster))
        }
        // A target that was renamed keeps the store of its former name.
        let kept = targets.first.map { target in
            SimulatedTarget.defaultStores(of: request.cluster).map { path in (target, named[0].1, path) }
        }
        for (target, place, path) in named + (kept ?? []) {
            let isKept = !named.contains { $0.2 == path }
            guard searched.insert(path).inserted else { continue }
            do {
                if let delay = self.place.simulation(place, request.cluster)?.delay(place, .read, 1) {
                    try await Task.sleep(for: delay)
                }
                for object in try await self.place.store(path).all(Kind.type.name)
                where [nil, request.cluster.name].contains(object.owner?.cluster)
                    && (!isKept || names.contains(String(object.address.target)))
                {
                    found.resources.append(
                        DiscoveredResource(
                            address: object.address, attributes: Kind.completed(object),
                            parent: SimulatedChain.parent(of: object.address), lineage: object.owner?.lineage,
                            operation: object.lastToken, place: "object \(object.id) in \(path)"))
                }
            } catch {
                found.unreadable.append(
                    UnreadablePlace(
                        "the store of target \(target.name)",
                        (error as? StoreError)?.message ?? "the reading was cancelled",
                        help: "repair the file; its page names the form of a line"))
            }
        }
        return found
    }
}
