import OsirisModel
import OsirisProviderKit

extension Hosts {
    /// Gives a marker on a host another address.
    /// - Parameters:
    ///   - type: whose marker it is.
    ///   - recorded: see `place(of:_:in:at:)`.
    ///   - change: what else in it names the address.
    /// - Throws: `ProviderError`.
    func move(
        _ type: String, _ request: OperationRequest, from: ResourceAddress, recorded: [Attributes],
        _ change: (inout HostMarker) async throws -> Void = { _ in }
    ) async throws {
        let place = try place(of: request.address, recorded, in: request.cluster)
        await probes.forget(place)
        let facts = try await look(at: place, request.address)
        // The host itself is renamed first, or not at all.
        guard var marker = facts.marker(type), let host = facts.marker(SSHHost.type.name),
            marker.belongs(to: request.cluster.name, from)
                || marker.belongs(to: request.cluster.name, request.address)
        else {
            throw ProviderError(
                .rejected, "\(request.address): \(place.name) has no marker of \(from)",
                help: "plan again; the plan will create it")
        }
        marker.address = request.address
        try await change(&marker)
        var payload = HostPayload()
        payload.add("\(type).json", marker.bytes)
        do {
            try await run(
                .move, at: place, host: host.address, for: request, arguments: [type], payload: payload)
        } catch {
            await probes.forget(place)
            throw error
        }
        await probes.forget(place)
    }
}
