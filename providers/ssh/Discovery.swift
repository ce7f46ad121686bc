import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

extension SSHHost {
    /// Every host that the manifest wants, on a machine of its own or on one that was found, and that carries the cluster's
    /// marker. Of one that left the manifest nobody knows how it is reached.
    func discover(_ request: DiscoveryRequest) async -> Discovery {
        let wanted = request.wanted.filter { $0.address.type == type.name }
        let found = await concurrently(wanted) { await search($0, request.cluster) }
        return Discovery(found.flatMap(\.resources), unreadable: found.flatMap(\.unreadable))
    }

    private func search(_ wanted: ResourceDeclaration, _ cluster: Cluster) async -> Discovery {
        func unreadable(_ reason: String, _ help: String? = nil) -> Discovery {
            Discovery(unreadable: [UnreadablePlace("host \(wanted.address)", reason, help: help)])
        }
        let place: HostPlace
        do { place = try hosts.place(of: wanted.address, [wanted.attributes], in: cluster) } catch {
            return unreadable("\(error)")
        }
        switch await hosts.facts(place) {
        case .failure(let error): return unreadable(error.description, error.help.isEmpty ? nil : error.help)
        case .success(let facts):
            guard let marker = facts.marker(type.name), marker.cluster == cluster.name,
                marker.address.type == type.name
            else { return Discovery() }
            // A machine that is a resource itself has its name by its own marks.
            guard wanted.parent == nil || marker.address == wanted.address else {
                return unreadable(
                    "its marker says that it is \(marker.address)",
                    "was its image made from that host? remove what is in \(place.folder) of it, then run this again")
            }
            return Discovery([
                DiscoveredResource(
                    address: marker.address, attributes: marker.attributes.merging(Self.computed(facts)) { $1 },
                    parent: wanted.parent, lineage: marker.lineage.isEmpty ? nil : marker.lineage,
                    operation: marker.operation, place: "\(place.login.address):\(place.folder)/host.json")
            ])
        }
    }
}

extension MarkedHandler {
    /// What the markers of the hosts that were found tell.
    func discover(_ request: DiscoveryRequest) async -> Discovery {
        let below = request.below.filter { $0.address.type == SSHHost.type.name }
        // How the hosts were reached a moment ago: their markers may hold an address of before.
        let wanted = Dictionary(
            request.wanted.filter { $0.address.type == SSHHost.type.name }.map { ($0.address, $0.attributes) }
        ) { first, _ in first }
        let found = await concurrently(below) { await search($0, wanted[$0.address] ?? $0.attributes, request) }
        return Discovery(found.flatMap(\.resources), unreadable: found.flatMap(\.unreadable))
    }

    private func search(
        _ host: DiscoveredResource, _ reached: Attributes, _ request: DiscoveryRequest
    ) async -> Discovery {
        func unreadable(_ reason: String) -> Discovery {
            Discovery(unreadable: [UnreadablePlace("\(type.name) on \(host.address)", reason)])
        }
        func address(_ type: String) -> ResourceAddress {
            ResourceAddress(target: String(host.address.target), type: type, name: String(host.address.name))
        }
        do {
            let place = try hosts.place(of: host.address, [reached], in: request.cluster)
            let facts = try await hosts.look(at: place, host.address)
            guard let marker = facts.marker(type.name), marker.cluster == request.cluster.name,
                marker.address == address(type.name)
            else { return Discovery() }
            let engine = facts.marker(SSHEngine.type.name)?.attributes ?? [:]
            let known = recovered(marker, request.key)
            let read = ReadRequest(
                address: marker.address, recorded: known.recorded, ancestors: [engine, host.attributes])
            switch try await attributes(marker, facts, read, place) {
            case .absent: return Discovery()
            case .unreadable(let reason): return unreadable(reason)
            case .present(let attributes):
                return Discovery([
                    DiscoveredResource(
                        address: marker.address, attributes: attributes.merging(known.recorded) { $1 },
                        parent: address(base),
                        lineage: marker.lineage.isEmpty ? nil : marker.lineage, operation: marker.operation,
                        place: "\(place.login.address):\(place.folder)/\(type.name).json", incomplete: known.incomplete)
                ])
            }
        } catch let error as ProviderError {
            return unreadable(error.message)
        } catch {
            return unreadable("\(error)")
        }
    }
}
