import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The `engine` type: what runs containers on a host, from the distribution's packages if it is not there.
struct SSHEngine: MarkedHandler {
    static let type = ResourceType(
        name: "engine", doc: "The container engine of a host. One that osiris installed goes with the host.",
        schema: Schema([
            Field(
                "name", .choice(["auto", "podman", "docker"]), default: "auto",
                doc: "Which one; `auto` takes what is there, else podman."),
            Field("install", .bool, default: true, doc: "Whether it is installed where it is missing."),
            Field("engine", .string, role: .computed, changesWith: ["name"], doc: "The one that is used."),
            Field(
                "version", .string, role: .computed, volatile: true,
                doc: "Its version; the distribution keeps it up to date."),
            Field("installed", .bool, role: .computed, changesWith: ["*"], doc: "Whether osiris installed it."),
        ]))

    let hosts: Hosts
    var type: ResourceType { Self.type }
    var base: String { SSHHost.type.name }

    func attributes(
        _ marker: HostMarker, _ facts: HostFacts, _ request: ReadRequest, _ place: HostPlace
    ) -> ReadResult {
        var attributes = marker.attributes
        guard let name = attributes["engine"]?.stringValue, facts.has(engine: name) else { return .absent }
        attributes["version"] = facts.engineVersion.map(Value.string) ?? request.recorded["version"]
        return .present(attributes)
    }

    func create(_ request: OperationRequest) async throws -> Attributes { try await bring(request) }

    func update(_ request: OperationRequest) async throws -> Attributes {
        if let present = request.prior["engine"]?.stringValue, let wanted = request.planned["name"]?.stringValue,
            wanted != "auto", wanted != present
        {
            throw ProviderError(
                .rejected, "\(request.address): its hub runs on \(present), and cannot move to \(wanted)",
                help: "take the host out of the manifest and apply; then put it in again with the other engine",
                attribute: "name")
        }
        return try await bring(request)
    }

    private func bring(_ request: OperationRequest) async throws -> Attributes {
        let place = try hosts.place(of: request.address, request.ancestors, in: request.cluster)
        let arguments = request.planned.filter { $0.value != .null }
        // The script puts what it found out in the place of these words.
        var attributes = arguments
        attributes["engine"] = "NAME"
        attributes["installed"] = "INSTALLED"
        var payload = HostPayload()
        payload.add("engine.json", HostMarker(request, attributes).bytes)
        request.progress("looking for the engine, and installing it if it is not there")
        let output = try await hosts.change(
            .engine, at: place, for: request,
            arguments: [
                arguments["name"]?.stringValue ?? "auto", arguments["install"] == false ? "no" : "yes", "-",
            ], payload: payload)
        guard let found = (try? Value(plainJSON: Array(output.utf8)))?.mapValue, let name = found["name"] else {
            throw ProviderError(.rejected, "\(request.address): its script answers no engine")
        }
        attributes["engine"] = name
        attributes["installed"] = found["installed"]
        attributes["version"] = found["version"]
        return attributes
    }

    func delete(_ request: OperationRequest) async throws {
        let place = try hosts.place(of: request.address, request.ancestors, in: request.cluster)
        let said = try await hosts.change(
            .engineRemove, at: place, for: request, arguments: [request.prior["engine"]?.stringValue ?? "podman"])
        if !said.isEmpty { request.progress(said.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}
