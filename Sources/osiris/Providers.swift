import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisTransport
import ProviderAWS
import ProviderHub
import ProviderLocal
import ProviderSSH
import ProviderSimulated

/// The providers of this program: adding one is one line here.
enum Providers {
    /// The logins on hosts of this run, and the one client whose requests may go through them.
    static let ssh = SSHSessions()
    static let http = HTTPClient(ssh: ssh)

    static func registry() -> ProviderRegistry {
        ProviderRegistry([
            LocalProvider(hubVersion: OsirisVersion.current, http: http),
            HubProvider(http: http),
            SSHProvider(hubVersion: OsirisVersion.current, sessions: ssh, http: http),
            AWSProvider(hubVersion: OsirisVersion.current, client: AWSClient(http: http)),
            SimulatedProvider(hubVersion: OsirisVersion.current),
        ])
    }
}
