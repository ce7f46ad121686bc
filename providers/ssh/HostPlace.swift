import OsirisManifest
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// Where a host is, how to get in, and where its files are: from the manifest where its target names it, else from what was
/// recorded.
struct HostPlace: Sendable, Hashable {
    /// The machine's name in its target.
    var name: String
    var login: HostLogin
    var route: SSHRoute
    var elevation: SSHElevation
    /// Absolute; below it is everything of osiris on the host.
    var folder: String
}
