import OsirisModel
import OsirisProviderKit
import OsirisTransport

extension HostKeys {
    /// Looks that run at once; more would only wait for EC2 to let them through.
    private static let looksAtOnce = 32

    /// Those of the instances that were found, from their consoles as at the first start: nothing else is trusted.
    func discover(_ request: DiscoveryRequest) async -> Discovery {
        let instances = Dictionary(request.below.map { ($0.address, $0) }) { first, _ in first }
        let wanted = request.wanted.filter { $0.address.type == type.name }
        var answers: [Int: Discovery] = [:]
        await withTaskGroup(of: (Int, Discovery).self) { group in
            for (index, keys) in wanted.enumerated() {
                if index >= Self.looksAtOnce, let (done, answer) = await group.next() { answers[done] = answer }
                let instance = keys.parent.flatMap { instances[$0] }
                group.addTask { (index, await search(keys, of: instance, request)) }
            }
            for await (done, answer) in group { answers[done] = answer }
        }
        let found = wanted.indices.compactMap { answers[$0] }
        return Discovery(found.flatMap(\.resources), unreadable: found.flatMap(\.unreadable))
    }

    private func search(
        _ wanted: ResourceDeclaration, of instance: DiscoveredResource?, _ request: DiscoveryRequest
    ) async -> Discovery {
        let id = wanted.attributes["instance"]?.stringValue ?? ""
        func unreadable(_ reason: String, _ help: String?) -> Discovery {
            let machine = wanted.parent ?? wanted.address
            return Discovery(unreadable: [UnreadablePlace("machine \(machine)", reason, help: help)])
        }
        do {
            let step = try EC2Step(
                ec2,
                OperationRequest(
                    cluster: request.cluster, address: wanted.address, planned: wanted.attributes, prior: [:],
                    ancestors: [], token: ""))
            let keys = Self.keys(in: try await InstanceConsole(ec2).text(step, of: id))
            guard !keys.isEmpty else {
                return unreadable(
                    "the console of \(id) has no host keys, and without them nobody can tell whether it is the machine",
                    "if it was started a moment ago, wait until it is up, then run this again")
            }
            var found = wanted.attributes.filter { $0.value != .null }
            found["keys"] = .list(keys.map(Value.string))
            return Discovery([
                DiscoveredResource(
                    address: wanted.address, attributes: found, parent: wanted.parent, lineage: instance?.lineage,
                    place: "console of instance \(id) in \(step.place.region)")
            ])
        } catch let error as ProviderError {
            return unreadable(error.message, error.help)
        } catch {
            return unreadable("\(error)", nil)
        }
    }
}
