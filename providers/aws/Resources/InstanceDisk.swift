import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The disk of an instance, whose size is a matter of its volume.
struct InstanceDisk: Sendable {
    let ec2: EC2

    /// A size in bytes as an attribute: `20Gi`.
    static func value(_ bytes: Int) -> Value { .string(Quantities.format(bytes: bytes)) }

    /// The size among the attributes of an instance; nil if there is none. Older states have it as a number.
    static func bytes(_ attributes: Attributes) -> Int? {
        attributes["disk"].flatMap { FieldType.size.canonical($0).intValue }
    }

    private struct Volume {
        var id: String
        var size: Int
    }

    /// Sizes in bytes, by the instance.
    /// - Parameters:
    ///   - place: of the instances.
    ///   - cluster: with the mark of which they are listed.
    /// - Throws: `AWSError`.
    func sizes(_ place: AWSPlace, of cluster: String) async throws -> [String: Int] {
        try await volumes(place, of: cluster).mapValues(\.size)
    }

    private func volumes(_ place: AWSPlace, of cluster: String) async throws -> [String: Volume] {
        let question = Listings.Question(kind: .volume, place: place, cluster: cluster)
        var found: [String: Volume] = [:]
        for item in try await ec2.listings.fresh(question) {
            guard let size = item.text("size").flatMap({ Int($0) }), let id = item.word(EC2Kind.volume.id),
                let instance = item.items("attachmentSet").first?.word("instanceId")
            else { continue }
            found[instance] = Volume(id: id, size: size << 30)
        }
        return found
    }

    /// Brings it to the planned size, if there is one.
    /// - Parameter present: its size as far as it is known: that of a disk that nobody asked for is not.
    /// - Throws: `ProviderError`.
    func grow(_ step: EC2Step, _ id: String, from present: Int?) async throws {
        guard let wanted = Self.bytes(step.request.planned), wanted != present else { return }
        let found: [String: Volume]
        do {
            found = try await step.heard { try await volumes(step.place, of: step.request.cluster.name) }
        } catch let error as AWSError {
            throw step.failure(error)
        }
        guard let volume = found[id] else {
            throw ProviderError(.rejected, "\(step.request.address): its disk is not found", attribute: "disk")
        }
        if volume.size == wanted { return }
        guard wanted > volume.size else {
            throw ProviderError(
                .rejected, "\(step.request.address): \(Self.refusal(volume.size, wanted))",
                help: Self.help(volume.size), attribute: "disk")
        }
        try await step.call("ModifyVolume", ["VolumeId": volume.id, "Size": String(wanted >> 30)])
    }

    /// Why a disk cannot be as small as that.
    static func refusal(_ size: Int, _ wanted: Int) -> String {
        "its disk of \(Quantities.format(bytes: size)) cannot shrink to \(Quantities.format(bytes: wanted))"
    }

    static func help(_ size: Int) -> String {
        "write `disk: \(Quantities.format(bytes: size))`; or take the machine out, apply, and put it in again with the "
            + "smaller disk"
    }
}
