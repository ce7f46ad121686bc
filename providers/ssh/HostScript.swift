/// The scripts that change a host, each one exec. They are the `.sh` files beside this one.
enum HostScript: String, CaseIterable {
    /// Raises the fence and changes nothing else.
    case fence
    case host
    case hostRemove
    case move
    case engine
    case engineRemove
    case image
    case imageRemove
    case hub
    case hubConfirm
    case hubRemove
    /// Not run by us: the host runs it when nobody confirms.
    case hubRevert
    /// By `osiris hosts`, outside of applies.
    case cordon
    case uncordon

    /// As it is sent, without its comments.
    var text: String { Self.beginning + body }

    /// What all of them begin with.
    static var beginning: String { stripped(PackageResources.begin_sh) }

    /// What comes after the beginning.
    var body: String {
        let isHub = [.hub, .hubConfirm, .hubRemove, .hubRevert, .cordon, .uncordon].contains(self)
        return (isHub ? Self.stripped(PackageResources.hub_parts_sh) : "") + Self.stripped(own)
    }

    private var own: [UInt8] {
        switch self {
        case .fence: []
        case .host: PackageResources.host_sh
        case .hostRemove: PackageResources.host_remove_sh
        case .move: PackageResources.move_sh
        case .engine: PackageResources.engine_sh
        case .engineRemove: PackageResources.engine_remove_sh
        case .image: PackageResources.image_sh
        case .imageRemove: PackageResources.image_remove_sh
        case .hub: PackageResources.hub_sh
        case .hubConfirm: PackageResources.hub_confirm_sh
        case .hubRemove: PackageResources.hub_remove_sh
        case .hubRevert: PackageResources.hub_revert_sh
        case .cordon: PackageResources.cordon_sh
        case .uncordon: PackageResources.uncordon_sh
        }
    }

    /// A command's line has an end: comments do not have to travel. Only lines that are nothing else are taken out.
    static func stripped(_ script: [UInt8]) -> String {
        String(decoding: script, as: UTF8.self).split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("#") }
            .joined(separator: "\n") + "\n"
    }
}
