import Foundation
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
            Field(
                "repository", .any,
                doc:
                    "The package source that it is installed from, if that is not the distribution's; `key` is a digest."
            ),
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

    func create(_ request: OperationRequest) async throws -> Attributes {
        try await hosts.making(request) { try await bring(request) }
    }

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
        let packages = try await packages(at: place, request)
        let payload = Self.payload(request, packages: packages, key: try Self.repositoryKey(of: request))
        request.progress("looking for the engine, and installing it if it is not there")
        let words = Self.words(request, packages: packages)
        // The first run says whether packages are missing; where none is, it is the only one.
        let result = try await hosts.run.result(
            .engine, at: place, host: Hosts.address(of: request.address), for: request, arguments: words,
            payload: payload)
        var output = String(decoding: result.output, as: UTF8.self)
        switch (result.status, packages) {
        case (0, _): break
        case (Self.isMissing, let packages?):
            try await send(packages, to: place, request)
            request.progress("installing the engine")
            output = try await hosts.change(.engine, at: place, for: request, arguments: words, payload: payload)
        default: throw HostRun.failure(result, request.address, place)
        }
        guard let found = (try? Value(plainJSON: Array(output.utf8)))?.mapValue, let name = found["name"] else {
            throw ProviderError(.rejected, "\(request.address): its script answers no engine")
        }
        var attributes = request.planned.filter { $0.value != .null }
        attributes["engine"] = name
        attributes["installed"] = found["installed"]
        attributes["version"] = found["version"]
        return attributes
    }

    /// What `engine.sh` reads; the script puts what it found out in the place of two words.
    /// - Parameter key: of the package source, if the target names one.
    static func payload(_ request: OperationRequest, packages: SentPackages?, key: String?) -> HostPayload {
        var attributes = request.planned.filter { $0.value != .null }
        attributes["engine"] = "NAME"
        attributes["installed"] = "INSTALLED"
        var payload = HostPayload()
        payload.add("engine.json", HostMarker(request, attributes).bytes)
        payload.add("packages", packages?.list ?? "")
        if let repository = EngineRepository(request.planned["repository"]), let key {
            payload.add("repository", repository.text)
            payload.add("repository.key", key)
        }
        return payload
    }

    /// The arguments of `engine.sh`.
    static func words(_ request: OperationRequest, packages: SentPackages?) -> [String] {
        let repository = EngineRepository(request.planned["repository"])
        return [
            request.planned["name"]?.stringValue ?? "auto", request.planned["install"] == false ? "no" : "yes",
            packages == nil ? "-" : "sent", repository?.program ?? "-", repository?.package ?? "-",
        ]
    }

    /// The text of the key of the engine's package source, if it is the planned one; nil if there is no source.
    static func repositoryKey(of request: OperationRequest) throws -> String? {
        guard let repository = request.planned["repository"]?.mapValue else { return nil }
        let target = request.cluster.targets.first { $0.name == request.address.target }
        let name = target?.settings["engine"]?.mapValue?["repository"]?.mapValue?["key"]?.stringValue ?? ""
        let path = name.hasPrefix("/") ? name : "\(request.cluster.folder)/\(name)"
        guard let bytes = FileManager.default.contents(atPath: path),
            Value.string(Digest.sha256(Array(bytes))) == repository["key"]
        else {
            throw ProviderError(
                .rejected, "\(request.address): \(path) is not the planned key any more", help: "plan again")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") else {
            throw ProviderError(
                .rejected, "\(request.address): \(path) is no public OpenPGP key in ASCII",
                help: "`gpg --armor --export KEY` writes one")
        }
        return text
    }

    /// Exit status of the script that asks for the packages.
    private static let isMissing = 66

    /// What the manifest's folder has for a host, with digests; nil if the manifest names no folder.
    private func packages(at place: HostPlace, _ request: OperationRequest) async throws -> SentPackages? {
        let target = request.cluster.targets.first { $0.name == request.address.target }
        guard let packages = target.flatMap({ EnginePackages($0, in: request.cluster) }) else { return nil }
        let facts = try await hosts.look(at: place, request.address)
        var sent = SentPackages(folder: packages.folder)
        for name in packages.names(for: facts.packages) {
            do {
                sent.files.append((name, try await hosts.digests.digest(of: "\(packages.folder)/\(name)")))
            } catch {
                throw ProviderError(
                    .rejected, "\(request.address): \(packages.folder)/\(name): \(error.localizedDescription)")
            }
        }
        return sent
    }

    private func send(_ packages: SentPackages, to place: HostPlace, _ request: OperationRequest) async throws {
        let target = String(request.address.target)
        let most = request.cluster.targets.first { $0.name == target }?.settings["uploads"]?.intValue ?? 8
        request.progress("waiting for its turn to be sent the engine's packages")
        try await hosts.uploads.with(target, most: most) {
            request.progress("sending the engine's packages, \(packages.files.count) files")
            try await hosts.run.connected(to: place, request.address) { connection in
                for (name, digest) in packages.files {
                    try await connection.upload(
                        "\(packages.folder)/\(name)", to: "\(place.folder)/packages/\(name)", mode: "600",
                        digest: digest, as: place.elevation)
                }
            }
        }
    }

    func delete(_ request: OperationRequest) async throws {
        let place = try hosts.place(of: request.address, request.ancestors, in: request.cluster)
        let said = try await hosts.change(
            .engineRemove, at: place, for: request, arguments: [request.prior["engine"]?.stringValue ?? "podman"])
        if !said.isEmpty { request.progress(said.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}

/// Package files and their digests.
struct SentPackages: Sendable {
    var folder: String
    var files: [(name: String, digest: String)] = []

    /// As sha256sum(1) reads it.
    var list: String { files.map { "\($0.digest.dropFirst(7))  \($0.name)\n" }.joined() }
}
