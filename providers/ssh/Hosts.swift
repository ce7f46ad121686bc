import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// What the handlers of all types share: the ways to the hosts, what they look like, and the scripts on them.
struct Hosts: Sendable {
    let sessions: SSHSessions
    let probes: HostProbes
    let uploads = UploadSlots()
    let digests = FileDigests()
    private let consoles: [String: any MachineConsole]
    private let targets = KnownTargets()

    var run: HostRun { HostRun(sessions: sessions) }

    init(sessions: SSHSessions, consoles: [String: any MachineConsole] = [:]) {
        self.sessions = sessions
        self.consoles = consoles
        probes = HostProbes(sessions: sessions)
    }

    /// The host that a resource is on. Its name is the same in the addresses of all types.
    static func address(of resource: ResourceAddress) -> ResourceAddress {
        ResourceAddress(target: String(resource.target), type: SSHHost.type.name, name: String(resource.name))
    }

    /// - Parameters:
    ///   - recorded: attributes of the host and of what lives on it, the host last, or what the host itself is.
    ///   - address: see `HostPlace`.
    /// - Throws: `ProviderError` if there is no way to it.
    func place(
        of resource: ResourceAddress, _ recorded: [Attributes], in cluster: Cluster, at address: String? = nil
    ) throws -> HostPlace {
        try HostPlace(
            resource, recorded: recorded, of: targets[resource.target, cluster], home: cluster.folder, at: address)
    }

    /// The place of something that is read: a machine that is a resource itself was read before, and says where it is now.
    func place(of request: ReadRequest, in cluster: Cluster) throws -> HostPlace {
        let machine = request.ancestors.last?[HostMachines.addressAttribute]?.stringValue
        return try place(of: request.address, [request.recorded] + request.ancestors, in: cluster, at: machine)
    }

    /// What the host looks like, from one look for all who ask.
    func facts(_ place: HostPlace, anew: Bool = false) async -> Result<HostFacts, SSHError> {
        if anew { await probes.forget(place) }
        return await probes.facts(place)
    }

    /// As `facts`, for who cannot go on without.
    /// - Throws: `ProviderError`.
    func look(at place: HostPlace, _ address: ResourceAddress) async throws -> HostFacts {
        switch await facts(place) {
        case .success(let facts): return facts
        case .failure(let error):
            // Another try is to find out anew.
            await probes.forget(place)
            throw HostRun.failure(error, address, begun: false)
        }
    }

    /// Runs a script that changes the host. What the host looked like before is kept where the script brings what the hub
    /// stands on: the hub, which comes after it, only wants to know what the host says of a hub.
    @discardableResult
    func change(
        _ script: HostScript, at place: HostPlace, for request: OperationRequest, arguments: [String] = [],
        payload: HostPayload = HostPayload()
    ) async throws -> String {
        do {
            let output = try await run(
                script, at: place, host: Self.address(of: request.address), for: request, arguments: arguments,
                payload: payload)
            if ![.host, .engine, .image].contains(script) { await probes.forget(place) }
            return output
        } catch {
            await probes.forget(place)
            throw error
        }
    }

    /// Makes something on a host; an error on a machine with a console has the end of that too, unless it says the same.
    func making(_ request: OperationRequest, _ body: () async throws -> Attributes) async throws -> Attributes {
        do {
            return try await body()
        } catch var error as ProviderError {
            let target = request.cluster.targets.first { $0.name == request.address.target }
            guard error.kind == .rejected || error.kind == .transient, let machine = request.ancestors.last,
                let console = target.flatMap({ consoles[$0.provider] }),
                let words = await console.lastWords(of: machine, request),
                !words.contains(error.message.dropFirst("\(request.address): ".count).prefix(100))
            else { throw error }
            error.message += "; the console of its machine ends with: \(words)"
            throw error
        }
    }
}
