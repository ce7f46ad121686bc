import OsirisModel
import OsirisProviderKit

extension HubFunction {
    /// One listing of each hub that was found and whose token is known.
    func discover(_ request: DiscoveryRequest) async -> Discovery {
        let hubs = request.below.filter { $0.address.type == HubResource.type.name }
        var answers: [Int: Discovery] = [:]
        await withTaskGroup(of: (Int, Discovery).self) { group in
            for (index, hub) in hubs.enumerated() {
                if index >= Self.listingsAtOnce, let (done, answer) = await group.next() { answers[done] = answer }
                group.addTask { (index, await search(hub, request)) }
            }
            for await (done, answer) in group { answers[done] = answer }
        }
        var found = Discovery()
        for index in hubs.indices {
            found.resources += answers[index]?.resources ?? []
            found.unreadable += answers[index]?.unreadable ?? []
        }
        return found
    }

    private func search(_ hub: DiscoveredResource, _ request: DiscoveryRequest) async -> Discovery {
        // The hub itself says that its token is lost; the next apply deploys to it again what the manifest has.
        guard hub.attributes["token"] != nil else { return Discovery() }
        func unreadable(_ reason: String) -> Discovery {
            Discovery(
                unreadable: [
                    UnreadablePlace(
                        "\(hub.address)", "its functions cannot be listed: \(reason)",
                        help: "start the hub (its data is in \(hub.place)), then run this again")
                ])
        }
        let statuses: [FunctionStatus]
        var ancestors = [hub.attributes]
        var next = hub.parent
        while let parent = request.below.first(where: { $0.address == next }) {
            ancestors.append(parent.attributes)
            next = parent.parent
        }
        switch await list(ancestors, hub.address, of: request.cluster) {
        case .success(let found): statuses = found
        case .failure(let failure): return unreadable(failure.reason)
        }
        return Discovery(
            statuses.compactMap { status in
                guard status.cluster == request.cluster.name, let address = status.address, address.type == type.name
                else {
                    return nil
                }
                return DiscoveredResource(
                    address: address, attributes: status.attributes, parent: hub.address, lineage: status.lineage,
                    operation: status.operation, place: "function \(status.key) in \(hub.address)")
            })
    }
}
