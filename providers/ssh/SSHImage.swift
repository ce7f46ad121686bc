import Foundation
import OsirisManifest
import OsirisModel
import OsirisProviderKit
import Synchronization

/// The `image` type: the hub's image in the engine of a host.
struct SSHImage: MarkedHandler {
    static let type = ResourceType(
        name: "image", doc: "The hub's image in the engine of a host, uploaded or pulled only where it is missing.",
        schema: Schema([
            Field(
                "image", .string, required: true,
                doc: "Identity of the image in `spec.hub.archive`, or the reference `spec.hub.image`.")
        ]))

    let hosts: Hosts
    var type: ResourceType { Self.type }
    var base: String { SSHEngine.type.name }

    func attributes(
        _ marker: HostMarker, _ facts: HostFacts, _ request: ReadRequest, _ place: HostPlace
    ) -> ReadResult {
        .present(marker.attributes)
    }

    func create(_ request: OperationRequest) async throws -> Attributes {
        try await hosts.making(request) { try await bring(request) }
    }

    func update(_ request: OperationRequest) async throws -> Attributes { try await bring(request) }

    private func bring(_ request: OperationRequest) async throws -> Attributes {
        let place = try hosts.place(of: request.address, request.ancestors, in: request.cluster)
        let arguments = request.planned.filter { $0.value != .null }
        let image = arguments["image"]?.stringValue ?? ""
        let remote = "\(place.folder)/upload/\(image.drop { $0 != ":" }.dropFirst().prefix(64)).tar"
        var payload = HostPayload()
        payload.add("image.json", HostMarker(request, arguments).bytes)
        let words = [
            engine(of: request.ancestors), image, ImageArchive.isIdentity(image) ? remote : "-",
        ]
        // The first run says whether the image is missing; where it is not, it is the only one.
        let address = Hosts.address(of: request.address)
        request.progress("looking for the image")
        let result = try await hosts.run.result(
            .image, at: place, host: address, for: request, arguments: words, payload: payload)
        switch result.status {
        case 0: break
        case Self.isMissing:
            let answer = String(decoding: result.output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            try await upload(image, to: remote, arrived: Int(answer), at: place, request)
            request.progress("loading the image")
            try await hosts.change(.image, at: place, for: request, arguments: words, payload: payload)
        default: throw HostRun.failure(result, request.address, place)
        }
        return arguments
    }

    /// Exit status of the script that asks for the archive.
    private static let isMissing = 66

    private func upload(
        _ image: String, to remote: String, arrived: Int?, at place: HostPlace, _ request: OperationRequest
    ) async throws {
        guard let archive = ImageArchive(of: request.cluster) else {
            throw ProviderError(
                .rejected, "\(request.address): the host has no image \(image), and the manifest names no archive",
                help: "set spec.hub.archive, and plan again", attribute: "image")
        }
        let digest: String
        do {
            let found = try archive.identity()
            guard found == image else {
                throw ProviderError(
                    .rejected, "\(request.address): \(archive.path) holds image \(found), planned was \(image)",
                    help: "the archive was made anew after the plan: plan again", attribute: "image")
            }
            digest = try await hosts.digests.digest(of: archive.path)
        } catch let error as ImageArchiveError {
            throw ProviderError(.rejected, "\(request.address): \(error.message)", attribute: "image")
        } catch let error as CocoaError {
            throw ProviderError(.rejected, "\(request.address): \(archive.path): \(error.localizedDescription)")
        }
        let target = String(request.address.target)
        let most = request.cluster.targets.first { $0.name == target }?.settings["uploads"]?.intValue ?? 8
        let step = Step()
        let size = (try? FileManager.default.attributesOfItem(atPath: archive.path)[.size] as? Int) ?? 0
        request.progress("waiting for its turn to be sent the image")
        try await hosts.uploads.with(target, most: most) {
            try await hosts.run.connected(to: place, request.address) { connection in
                _ = try await connection.upload(
                    archive.path, to: remote, mode: "600", digest: digest, as: place.elevation, arrived: arrived
                ) { sent in
                    let percent = size == 0 ? 100 : sent * 100 / size
                    if step.isNew(percent / 10) {
                        request.progress("sending the image, \(percent) % of \(size >> 20) MiB")
                    }
                }
            }
        }
    }

    func delete(_ request: OperationRequest) async throws {
        let place = try hosts.place(of: request.address, request.ancestors, in: request.cluster)
        try await hosts.change(
            .imageRemove, at: place, for: request, arguments: [engine(of: request.ancestors)])
    }
}

/// Tells only what has moved on: a line for every piece that is sent would be too many.
private final class Step: Sendable {
    private let last = Mutex(-1)

    func isNew(_ step: Int) -> Bool {
        last.withLock { last in
            defer { last = step }
            return step != last
        }
    }
}

/// The engine that something lives on; podman before there was a word about it.
func engine(of ancestors: [Attributes]) -> String {
    ancestors.lazy.compactMap { $0["engine"]?.stringValue }.first ?? "podman"
}
