import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// What a hub is told, and what a host needs to run it: the same over SSH and at a first start.
struct HubOrder {
    let request: OperationRequest
    let token: Secret
    /// That runs it.
    let engine: String
    /// The host's folder for osiris.
    let folder: String

    /// - Parameter generation: nil for the one of this operation.
    func config(of generation: String? = nil) -> HubConfiguration {
        let arguments = request.planned.filter { $0.value != .null }
        return HubConfiguration(
            address: request.address.text, cluster: request.cluster.name, host: "0.0.0.0",
            port: request.planned["port"]?.intValue ?? 0,
            generation: generation ?? HubConfiguration.generation(arguments: arguments, operation: request.token),
            tokens: HubRole.configuration(admin: token.plaintext ?? ""),
            alerts: request.planned["alerts"].flatMap(HubAlerts.told),
            settings: request.planned["settings"]?.mapValue ?? [:], tls: request.planned["authority"] != nil)
    }

    /// What `hub.sh` reads.
    /// - Parameter made: a new certificate; nil for the one that is there.
    func payload(_ note: HubNote, made: CertifiedKey?) -> HostPayload {
        let unit = HubUnit(
            engine: engine, image: request.planned["image"]?.stringValue ?? "",
            folder: folder, address: request.address, cluster: request.cluster.name, port: note.config.port)
        var told = note.config
        // The hub passes the mark over, and one that was sealed anew would make it start again.
        told.mark = nil
        var payload = HostPayload()
        payload.add("config", told.value.plainJSON())
        if let made { payload.add("tls", HubCertificate.text(made)) }
        payload.add("unit", unit.text)
        payload.add("run", unit.run(isDetached: true).map { $0 + "\n" }.joined())
        payload.add("user", String(unit.user))
        payload.add("hub.json", note.marker(request).bytes)
        return payload
    }
}
