import OsirisModel
import OsirisPlanner
import OsirisProviderKit

extension Rebuild {
    /// Asks every provider for what carries the cluster's marks. Changes nothing.
    ///
    /// Providers are asked at the same time where their objects do not live on each other's, each type after those it may
    /// stand on. How many calls run at once in a provider is the provider's own limit.
    /// - Parameters:
    ///   - request: the cluster, and the key of the lost state if that is not lost too.
    ///   - desired: what the manifest wants: by it hosts on machines are reached.
    public func search(_ request: DiscoveryRequest, for desired: DesiredGraph) async -> Finds {
        let wanted = Dictionary(grouping: desired.declarations, by: \.provider)
        var found = Finds()
        for round in rounds(desired) {
            let before = found.resources
            await withTaskGroup(of: (Int, Finds).self) { group in
                for (index, provider) in round.enumerated() {
                    group.addTask { (index, await search(provider, request, wanted[provider.name] ?? [], before)) }
                }
                var answers: [Int: Finds] = [:]
                for await (index, answer) in group { answers[index] = answer }
                for index in round.indices {
                    found.resources += answers[index]?.resources ?? []
                    found.unreadable += answers[index]?.unreadable ?? []
                }
            }
        }
        return found
    }

    /// The providers in the order in which they are asked: each after those on whose objects its own live, and last those
    /// without targets, which put things on any provider's machines.
    private func rounds(_ desired: DesiredGraph) -> [[any Provider]] {
        let makers = Dictionary(uniqueKeysWithValues: desired.declarations.map { ($0.address, $0.provider) })
        var below: [String: Set<String>] = [:]
        for declaration in desired.declarations {
            guard let maker = declaration.parent.flatMap({ makers[$0] }), maker != declaration.provider else {
                continue
            }
            below[declaration.provider, default: []].insert(maker)
        }
        var waiting = registry.providers.filter { $0.targetKind != nil }
        var rounds: [[any Provider]] = []
        while !waiting.isEmpty {
            let names = Set(waiting.map(\.name))
            let ready = waiting.filter { names.isDisjoint(with: below[$0.name] ?? []) }
            // No two providers put things on each other's; if they did, each would still be asked.
            let round = ready.isEmpty ? waiting : ready
            rounds.append(round)
            waiting.removeAll { provider in round.contains { $0.name == provider.name } }
        }
        return rounds + [registry.providers.filter { $0.targetKind == nil }]
    }

    private func search(
        _ provider: any Provider, _ request: DiscoveryRequest, _ wanted: [ResourceDeclaration], _ before: [Find]
    ) async -> Finds {
        var found = Finds()
        for handler in provider.handlers {
            var request = request
            request.below = found.resources.map(\.resource)
            if provider.targetKind == nil {
                // A provider that has the type itself lists its own.
                request.below += before.filter {
                    registry.handler(provider: $0.provider, type: handler.type.name) == nil
                }.map(\.resource)
            }
            request.wanted = Self.known(wanted, before + found.resources)
            let answer = await handler.discover(request)
            found.resources += answer.resources.map { Find(provider: provider.name, resource: $0) }
            // Several types of one provider may be in one place.
            for place in answer.unreadable where !found.unreadable.contains(place) { found.unreadable.append(place) }
        }
        return found
    }

    /// Those that live on something found, with the values that they refer to.
    private static func known(_ wanted: [ResourceDeclaration], _ found: [Find]) -> [ResourceDeclaration] {
        var objects: [ResourceAddress: Attributes?] = [:]
        for find in found {
            let address = find.resource.address
            // Of two that claim an address nobody knows which one is meant.
            objects[address] = objects[address] == nil ? .some(find.resource.attributes) : .some(nil)
        }
        return wanted.compactMap { declaration in
            if let parent = declaration.parent, (objects[parent] ?? nil) == nil { return nil }
            var known = declaration
            known.attributes = declaration.attributes.mapValues {
                $0.resolvingReferences { (objects[$0.address] ?? nil)?[$0.attribute] ?? .unknown }
            }
            return known.attributes.values.contains(where: \.containsUnknown) ? nil : known
        }
    }
}
