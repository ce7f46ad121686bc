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
        let aws = AWSClient(http: http)
        let hosts = SSHProvider(
            hubVersion: OsirisVersion.current, sessions: ssh, http: http, consoles: ["aws": InstanceConsole(aws)])
        return ProviderRegistry([
            LocalProvider(hubVersion: OsirisVersion.current, http: http),
            HubProvider(http: http),
            hosts,
            AWSProvider(hubVersion: OsirisVersion.current, client: aws, firstBoot: hosts.firstBoot),
            SimulatedProvider(hubVersion: OsirisVersion.current),
        ])
    }
}
