import Foundation
import OsirisDiagnostics
import OsirisManifest
import OsirisModel

/// What the targets of all clouds have in common: one network, machines that are alike, and who may reach them.
public struct CloudTarget: Sendable {
    /// As the cloud spells it.
    public var region: String
    public var network: IPv4Block
    /// Equal parts of the network, the first of them; their size does not depend on how many there are, so one more
    /// changes none of the others.
    public var subnets: [IPv4Block]
    /// `m1`, `m2` and so on.
    public var machines: [String]
    /// As the cloud spells it.
    public var machineType: String
    /// As the provider's page says.
    public var image: String
    /// Bytes, a whole number of GiB; nil for what the image has.
    public var disk: Int?
    /// Whether machines have an address on the internet.
    public var publicAddress: Bool
    /// The key that may log in on the machines, in the form of an `authorized_keys` line without its comment; nil for none.
    public var publicKey: String?
    /// Who logs in; nil for the user of the image.
    public var user: String?
    /// Path of the private key; nil for what OpenSSH would take.
    public var identity: String?
    public var rules: [Rule]
    /// The user's own, for everything of the target.
    public var tags: [String: String]

    /// One kind of connection that is let in, over TCP.
    public struct Rule: Sendable, Hashable {
        public enum Purpose: String, Sendable { case ssh, hub }

        public var purpose: Purpose
        public var port: Int
        public var source: IPv4Block
    }

    /// Each subnet has this part of the network: a 16th.
    public static let subnetBits = 4

    /// Reads the file with the public key; nothing else outside the manifest.
    /// - Throws: `DiagnosticsError` with every fault.
    public init(_ target: Target, of cluster: Cluster) throws(DiagnosticsError) {
        var reader = CloudTargetReader(target, cluster)
        let read = reader.read()
        if !reader.faults.isEmpty { throw DiagnosticsError(reader.faults) }
        self = read
    }

    init(
        region: String, network: IPv4Block, subnets: [IPv4Block], machines: [String], machineType: String,
        image: String, disk: Int?, publicAddress: Bool, publicKey: String?, user: String?, identity: String?,
        rules: [Rule], tags: [String: String]
    ) {
        self.region = region
        self.network = network
        self.subnets = subnets
        self.machines = machines
        self.machineType = machineType
        self.image = image
        self.disk = disk
        self.publicAddress = publicAddress
        self.publicKey = publicKey
        self.user = user
        self.identity = identity
        self.rules = rules
        self.tags = tags
    }

    /// Whether hubs are brought: over SSH, and from an image.
    public func hasHubs(_ cluster: Cluster) -> Bool {
        publicKey != nil && rules.contains { $0.purpose == .ssh }
            && (cluster.hub.image != nil || cluster.hub.archive != nil)
    }

    /// A `HostLogin` as an attribute, with what is known only after apply.
    /// - Parameters:
    ///   - address, keys: of the machine; `keys` is the list of its host keys.
    ///   - user: of the image, unless the manifest says another.
    public func login(address: Value, user: String, keys: Value) -> Value {
        var login = HostLogin(address: "", user: self.user ?? user)
        if let identity { login.identity = [identity] }
        guard case .map(var fields) = login.value else { return .null }
        (fields["address"], fields["keys"]) = (address, keys)
        return .map(fields)
    }
}
