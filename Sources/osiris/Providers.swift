import OsirisModel
import OsirisPlanner
import OsirisProviderKit
import ProviderHub
import ProviderLocal
import ProviderSimulated

/// The providers of this program: adding one is one line here.
enum Providers {
    static func registry() -> ProviderRegistry {
        let send = HubTransport().send
        return ProviderRegistry([
            LocalProvider(hubVersion: OsirisVersion.current, send: send),
            HubProvider(send: send),
            SimulatedProvider(hubVersion: OsirisVersion.current),
        ])
    }
}
