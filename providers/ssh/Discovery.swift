import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

extension SSHHost {
    /// Every host of the manifest that carries the cluster's marker. Of one that left the manifest nobody knows where it is.
    func discover(_ request: DiscoveryRequest) async -> Discovery {
        var places: [(ResourceAddress, HostPlace)] = []
        var found = Discovery()
        for target in request.cluster.targets where target.provider == SSHProvider.kind {
            do {
                places += try HostPlace.all(of: target, in: request.cluster)
            } catch {
                found.unreadable.append(UnreadablePlace("the hosts of target \(target.name)", "\(error)"))
            }
        }
        let answers = await concurrently(places.map(\.1)) { await hosts.facts($0) }
        for ((address, place), answer) in zip(places, answers) {
            switch answer {
            case .failure(let error):
                found.unreadable.append(
                    UnreadablePlace(
                        "host \(address)", error.description, help: error.help.isEmpty ? nil : error.help))
            case .success(let facts):
                guard let marker = facts.marker(type.name), marker.cluster == request.cluster.name,
                    marker.address.type == type.name
                else { continue }
                found.resources.append(
                    DiscoveredResource(
                        address: marker.address, attributes: marker.attributes.merging(Self.computed(facts)) { $1 },
                        lineage: marker.lineage.isEmpty ? nil : marker.lineage, operation: marker.operation,
                        place: "\(place.login.address):\(place.folder)/host.json"))
            }
        }
        return found
    }
}

extension MarkedHandler {
    /// What the markers of the hosts that were found tell.
    func discover(_ request: DiscoveryRequest) async -> Discovery {
        let below = request.below.filter { $0.address.type == SSHHost.type.name }
        let found = await concurrently(below) { await search($0, request) }
        return Discovery(found.flatMap(\.resources), unreadable: found.flatMap(\.unreadable))
    }

    private func search(_ host: DiscoveredResource, _ request: DiscoveryRequest) async -> Discovery {
        func unreadable(_ reason: String) -> Discovery {
            Discovery(unreadable: [UnreadablePlace("\(type.name) on \(host.address)", reason)])
        }
        func address(_ type: String) -> ResourceAddress {
            ResourceAddress(target: String(host.address.target), type: type, name: String(host.address.name))
        }
        do {
            let place = try hosts.place(of: host.address, [host.attributes], in: request.cluster)
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
                        address: marker.address, attributes: attributes, parent: address(base),
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
