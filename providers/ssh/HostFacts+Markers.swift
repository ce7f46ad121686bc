import OsirisManifest
import OsirisModel
import OsirisProviderKit

extension HostFacts {
    /// The marker of a resource type on the host, whoever it belongs to; nil if there is none, or nothing one can read.
    func marker(_ type: String) -> HostMarker? { markers[type].flatMap(HostMarker.init) }

    /// The marker of one resource; nil if there is none.
    /// - Throws: `ProviderError` if it is another's, or cannot be read.
    func marker(_ type: String, _ address: ResourceAddress, _ cluster: Cluster) throws -> HostMarker? {
        guard let bytes = markers[type] else { return nil }
        guard let marker = HostMarker(bytes) else {
            throw ProviderError(
                .rejected, "\(address): \(type).json on the host is not a marker of osiris",
                help: "mend it, or remove it to have \(type) made anew")
        }
        guard marker.belongs(to: cluster.name, address) else {
            throw ProviderError(
                .rejected, "\(address): its host belongs to \(marker.address) of cluster \(marker.cluster)",
                help: "take the host out of one of the two manifests, and apply that one")
        }
        return marker
    }
}
