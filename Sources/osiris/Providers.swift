import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import OsirisTransport
import ProviderHub
import ProviderLocal
import ProviderSimulated

/// The providers of this program: adding one is one line here.
enum Providers {
    static func registry() -> ProviderRegistry {
        let http = HTTPClient()
        return ProviderRegistry([
            LocalProvider(hubVersion: OsirisVersion.current, http: http),
            HubProvider(http: http),
            SimulatedProvider(hubVersion: OsirisVersion.current),
        ])
    }
}
