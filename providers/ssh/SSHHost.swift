import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The `host` type: a machine that is the cluster's, told by a marker on it.
struct SSHHost: ResourceHandler {
    static let type = ResourceType(
        name: "host", doc: "A machine reached over SSH. It carries the cluster's marker; everything else lives on it.",
        schema: Schema([
            Field("login", .any, required: true, doc: "How it is reached; no secrets."),
            Field(
                "folder", .string, required: true, forcesReplacement: true, doc: "Where osiris keeps its files on it."),
            Field("domain", .string, doc: "What fails together with it, such as a rack."),
            Field("os", .string, role: .computed, volatile: true, doc: "Its system and version.", example: "debian 12"),
            Field("arch", .string, role: .computed, volatile: true, doc: "Its processor.", example: "x86_64"),
        ]))

    let hosts: Hosts
    var type: ResourceType { Self.type }

    // MARK: Reading

    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult] {
        await concurrently(requests) { await read($0, of: cluster) }
    }

    private func read(_ request: ReadRequest, of cluster: Cluster) async -> ReadResult {
        let place: HostPlace
        do {
            place = try hosts.place(of: request, in: cluster)
        } catch {
            return .unreadable("\(error)")
        }
        switch await hosts.facts(place, anew: true) {
        case .failure(let error): return .unreadable("\(request.address): \(error.description)")
        case .success(let facts):
            let marker: HostMarker?
            do { marker = try facts.marker("host", request.address, cluster) } catch { return .unreadable("\(error)") }
            if let marker { return .present(marker.attributes.merging(Self.computed(facts)) { $1 }) }
            // At another address than before there may be another machine: the one from before must not be forgotten.
            if let recorded = request.recorded["login"], recorded != place.login.value {
                return .unreadable(
                    "\(request.address): at \(place.login.address) there is no marker of it, and it was at "
                        + "\(HostLogin(recorded)?.address ?? "another address") before. Take the host out of the manifest "
                        + "and apply, or apply with --forget-hosts \(place.name), then put it in again")
            }
            return .absent
        }
    }

    static func computed(_ facts: HostFacts) -> Attributes {
        ["os": .string("\(facts.os.id) \(facts.os.version)"), "arch": .string(facts.arch)]
    }

    // MARK: Changing

    func create(_ request: OperationRequest) async throws -> Attributes {
        try await hosts.making(request) { try await bring(request) }
    }

    func update(_ request: OperationRequest) async throws -> Attributes { try await bring(request) }

    private func bring(_ request: OperationRequest) async throws -> Attributes {
        let place = try hosts.place(of: request.address, [request.planned], in: request.cluster)
        let facts = try await hosts.look(at: place, request.address)
        let arguments = request.planned.filter { $0.value != .null }
        var payload = HostPayload()
        payload.add("host.json", HostMarker(request, arguments).bytes)
        try await hosts.change(.host, at: place, for: request, payload: payload)
        return arguments.merging(Self.computed(facts)) { $1 }
    }

    func move(_ request: OperationRequest, from: ResourceAddress) async throws {
        try await hosts.move(type.name, request, from: from, recorded: [request.prior])
    }

    func delete(_ request: OperationRequest) async throws {
        let place = try hosts.place(of: request.address, [request.prior], in: request.cluster)
        request.progress("cleaning up")
        try await hosts.change(.hostRemove, at: place, for: request)
    }

    func fence(_ request: OperationRequest) async throws {
        let known = request.planned.isEmpty ? request.prior : request.planned
        let place = try hosts.place(of: request.address, [known], in: request.cluster)
        try await hosts.change(.fence, at: place, for: request)
    }

    func resolve(_ request: OperationRequest) async throws -> IntentResolution {
        let place = try hosts.place(of: request.address, [request.planned], in: request.cluster)
        switch await hosts.facts(place, anew: true) {
        case .failure(let error): return .unknownYet(error.description)
        case .success(let facts):
            guard let marker = try facts.marker("host", request.address, request.cluster),
                marker.operation == request.token
            else { return .notLanded }
            return .landed(marker.attributes.merging(Self.computed(facts)) { $1 })
        }
    }
}
