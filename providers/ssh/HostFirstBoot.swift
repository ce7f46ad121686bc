import OsirisManifest
import OsirisModel
import OsirisProviderKit

/// The scripts that go over SSH, with the same payloads, as one script that a machine runs at its first start.
///
/// It leaves the markers of engine, image and hub, and not that of the host. So the operations over SSH run as always, find
/// what is there, and do what is missing.
struct HostFirstBoot: FirstBoot {
    let hubVersion: String
    /// The hub's operation takes over the token that the script has the digest of.
    let issued: IssuedTokens

    /// Longest times in seconds; whoever waits for the host's keys on its console waits longer.
    private static let longest = [HostMachines.engineType: 300, HostMachines.imageType: 240, HubResource.type.name: 90]
    /// A line that is in no script.
    private static let end = "END-OF-PART"

    func script(for machine: OperationRequest) throws -> String {
        guard let target = machine.cluster.targets.first(where: { $0.name == machine.address.target }) else {
            throw ProviderError(.rejected, "\(machine.address): its target is not in the manifest")
        }
        let name = String(machine.address.name)
        let declared = try HostMachines(target, of: machine.cluster, hubVersion: hubVersion)
            .resources(name, login: .null, domain: "")
        let types = FirstBootSteps.types(of: machine.cluster)
        let folder = HostMachines.defaultFolder
        let host = ResourceAddress(target: target.name, type: HostMachines.hostType, name: name)
        var text = """
            #!/bin/sh
            # What this machine brings by itself at its first start, once: \(types.joined(separator: ", ")).
            # Written by osiris, which does the rest over SSH.
            folder=\(Self.quoted(folder)) cluster=\(Self.quoted(machine.cluster.name)) host=\(Self.quoted(host.text))

            """
        text += HostScript.stripped(PackageResources.first_boot_sh)
        text += Self.part("begin.sh", HostScript.beginning + HostScript.stripped(PackageResources.first_boot_guard_sh))
        for type in types {
            guard let resource = declared.first(where: { $0.address.type == type }) else { continue }
            var request = machine
            request.address = resource.address
            request.planned = resource.attributes.filter { $0.key != "authorityKey" }
            text += try step(type, request, folder)
        }
        return text
    }

    private func step(_ type: String, _ request: OperationRequest, _ folder: String) throws -> String {
        var payload = HostPayload()
        var before: [String] = []
        let script: HostScript
        let words: String
        switch type {
        case HostMachines.engineType:
            script = .engine
            payload = SSHEngine.payload(request, packages: nil, key: try SSHEngine.repositoryKey(of: request))
            words = SSHEngine.words(request, packages: nil).map(Self.quoted).joined(separator: " ")
        case HostMachines.imageType:
            script = .image
            let image = request.planned["image"]?.stringValue ?? ""
            payload.add("image.json", HostMarker(request, request.planned).bytes)
            words = "\"$engine\" \(Self.quoted(image)) -"
            before = ["read -r engine rest <\"$folder/engine.stat\""]
        default:
            script = .hub
            let order = HubOrder(
                request: request, token: issued.token(of: request.address, in: request.cluster), engine: "podman",
                folder: folder)
            let config = order.config()
            let note = HubNote(config: config, certificate: nil, attributes: request.planned)
            payload = order.payload(note, made: nil)
            words = "\"$engine\" \(Self.quoted(request.planned["version"]?.stringValue ?? "-")) 0"
            before = ["for_podman"] + (config.tls ? ["certificate"] : [])
        }
        // In the clear, as what is compressed later must not be in base64, and machines can share what they have in common.
        let files = payload.files.map { Self.file($0.name, String(decoding: $0.text, as: UTF8.self), of: type) }
        return Self.part("\(type).sh", script.body) + files.joined()
            + (before + ["step \(type) \(Self.longest[type] ?? 60) \(words)"]).map { $0 + "\n" }.joined()
    }

    private static func part(_ name: String, _ text: String) -> String {
        "part \(name) <<'\(end)'\n\(text)\(end)\n"
    }

    /// A file of a payload. The full stop keeps the line feeds at its end.
    private static func file(_ name: String, _ text: String, of type: String) -> String {
        "file \(type) \(name) <<'\(end)'\n\(text).\n\(end)\n"
    }

    /// One word of a shell.
    private static func quoted(_ word: String) -> String { "'" + word.replacing("'", with: "'\\''") + "'" }
}
