import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

extension LocalHub {
    /// Every hub with a data folder beside the manifest, whether it runs or not.
    func discover(_ request: DiscoveryRequest) async -> Discovery {
        var found = Discovery()
        do {
            for folder in try HubFolder.all(of: request.cluster) { await search(folder, request, &found) }
        } catch {
            found.unreadable.append(
                UnreadablePlace(
                    "the folder of local hubs", (error as? HubFolderError)?.message ?? "\(error)",
                    help: "mend its permissions"))
        }
        return found
    }

    private func search(_ folder: HubFolder, _ request: DiscoveryRequest, _ found: inout Discovery) async {
        func unreadable(_ reason: String) {
            found.unreadable.append(
                UnreadablePlace(
                    "the hub in \(folder.path)", reason, help: "mend it, or move the folder away after its hub ended"))
        }
        do {
            // A folder without a configuration is one that a killed create had just made.
            guard let config = try folder.config(), config.cluster == request.cluster.name else { return }
            guard let address = ResourceAddress(config.address), address.type == type.name else {
                return unreadable("its hub.json does not name the address of a hub")
            }
            let token = config.adminToken(request.key)
            var recorded: Attributes = [:]
            recorded["token"] = token.map(Value.secret)
            recorded["authorityKey"] = config.authorityKey(request.key).map(Value.secret)
            let answer = await read(
                ReadRequest(address: address, recorded: recorded, ancestors: []), folder, of: request.cluster)
            switch answer {
            case .absent: return
            case .unreadable(let reason): return unreadable(reason)
            case .present(let attributes):
                found.resources.append(
                    DiscoveredResource(
                        address: address, attributes: attributes.merging(recorded) { $1 },
                        lineage: config.mark.flatMap { $0.lineage.isEmpty ? nil : $0.lineage },
                        operation: config.mark?.operation, place: folder.path,
                        incomplete: token == nil ? Self.tokenLost(config, request.key) : nil))
            }
        } catch {
            unreadable((error as? HubFolderError)?.message ?? "\(error)")
        }
    }

    private static func tokenLost(_ config: HubConfiguration, _ key: Sealer?) -> String {
        let why =
            if config.mark?.sealedToken == nil {
                "its admin token was left nowhere"
            } else if key == nil {
                "the state's key is lost, and with it its admin token"
            } else {
                "the state's key does not open its admin token"
            }
        return why + ", so its functions could not be listed"
    }
}
