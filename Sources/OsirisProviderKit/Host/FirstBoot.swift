import OsirisManifest
import OsirisModel

/// What a machine brings by itself at its first start, so that little is left to do over SSH. Whoever makes the machine
/// hands it the script; the provider of hosts writes it.
public protocol FirstBoot: Sendable {
    /// A shell script for root, to be run once: what `FirstBootSteps` says. It holds no secret, and is the same for every
    /// try of one operation.
    /// - Parameter request: the create of the machine, which has the name of its host.
    /// - Throws: `DiagnosticsError` for faults of the target.
    func script(for request: OperationRequest) throws -> String
}

/// How far a machine comes by itself at its first start.
public enum FirstBootSteps {
    /// Types of resources, in order. An archive is not in reach of a machine that nobody has logged in to, and alerts
    /// may hold secrets, which stay out of a script that others can read.
    public static func types(of cluster: Cluster) -> [String] {
        var types = [HostMachines.engineType]
        guard cluster.hub.image != nil else { return types }
        types.append(HostMachines.imageType)
        if cluster.hub.alerts.isEmpty { types.append(HubResource.type.name) }
        return types
    }
}

/// What a machine has said on its console, for errors of what is done on it over SSH.
public protocol MachineConsole: Sendable {
    /// The end of it in one line, or nil if nobody can tell.
    /// - Parameter machine: attributes of the machine.
    func lastWords(of machine: Attributes, _ request: OperationRequest) async -> String?
}
