import OsirisDiagnostics
import OsirisManifest
import OsirisModel

/// A module that makes resources of one kind of place exist: this machine, a cloud, a rack.
///
/// A provider is a folder under `providers/` and one line in `Sources/osiris/Providers.swift`.
/// It never imports the engine, the state or another provider; they meet through attributes in the graph.
public protocol Provider: Sendable {
    /// The value of `provider:` in a manifest, such as `local`.
    var name: String { get }
    /// The keys a target of this provider has; nil for a provider whose resources sit on other providers' machines.
    var targetKind: TargetKind? { get }
    /// One entry for each resource type.
    var handlers: [any ResourceHandler] { get }
    /// The resources a target consists of. Pure: no network, no credentials, no clock.
    /// - Throws: `DiagnosticsError` with every fault of the target.
    func expand(_ target: Target, of cluster: Cluster) throws -> Expansion
    /// Looks at the places that a plan is about to change, all at once, and says which cannot take the change. Changes
    /// nothing. Asked once for each plan; by default nothing is found.
    /// - Parameter changes: all that stands on roots of this provider, whichever provider changes it.
    func preflight(_ changes: [PreflightChange], of cluster: Cluster) async -> [PreflightFault]
}

/// What a target consists of, before functions are placed on its machines.
public struct Expansion: Sendable {
    public var resources: [ResourceDeclaration]
    public var machines: [Machine]
    /// What belongs to the whole cluster and several targets may name, such as its certificate authority: declared once.
    public var shared: [ResourceDeclaration]

    public init(
        resources: [ResourceDeclaration] = [], machines: [Machine] = [], shared: [ResourceDeclaration] = []
    ) {
        self.resources = resources
        self.machines = machines
        self.shared = shared
    }
}

/// One computer of a target, and the hub on it that functions are deployed to.
public struct Machine: Sendable {
    /// Unique in its target; becomes part of the functions' addresses.
    public var name: String
    public var hub: ResourceAddress
    /// The provider whose handler deploys functions to that hub.
    public var functionProvider: String
    /// What fails together with it, such as a rack: a rollout never works in two domains at once. Nil: its target.
    public var domain: String?
    /// Where it is reached, for `${target.NAME.machines[0].address}`: a text, or a reference to what will know it. Nil if
    /// it has none to offer.
    public var address: Value?
    /// Words about it, such as its rack, beside those of its target.
    public var labels: [String: String]

    public init(
        name: String, hub: ResourceAddress, functionProvider: String, domain: String? = nil, address: Value? = nil,
        labels: [String: String] = [:]
    ) {
        self.address = address
        self.labels = labels
        self.name = name
        self.hub = hub
        self.functionProvider = functionProvider
        self.domain = domain
    }
}

/// A resource as the manifest wants it.
public struct ResourceDeclaration: Sendable {
    public var address: ResourceAddress
    public var provider: String
    /// Arguments only. References are resolved by the planner, and again during apply.
    public var attributes: Attributes
    /// The resource this one lives on: created after it, deleted before it, gone with it.
    public var parent: ResourceAddress?
    /// Created after these, deleted before these.
    public var dependsOn: [ResourceAddress]
    /// The manifest place of each attribute.
    public var spans: SpanMap

    public init(
        address: ResourceAddress, provider: String, attributes: Attributes, parent: ResourceAddress? = nil,
        dependsOn: [ResourceAddress] = [], spans: SpanMap
    ) {
        self.address = address
        self.provider = provider
        self.attributes = attributes
        self.parent = parent
        self.dependsOn = dependsOn
        self.spans = spans
    }
}

/// A resource type: its name, its attributes, its documentation.
public struct ResourceType: Sendable {
    /// One word, such as `hub`.
    public var name: String
    public var doc: String
    public var schema: Schema
    /// True if deleting the parent deletes it too: no call of its own is made then.
    public var goneWithParent: Bool
    /// True if deleting it deletes everything that lives on it, at whatever distance, such as a machine of a cloud.
    public var takesAllWithIt: Bool

    /// Arguments of which no two objects of the provider can have the same value, such as a port of one machine: what
    /// gives a value up is deleted before what takes it is created.
    public var exclusive: [String]
    /// How many operations of it that run at the same time count as one of `--parallelism`: as many objects as one call of
    /// the place makes, changes or deletes, and more than one where operations do little but wait.
    public var perSlot: Int
    /// How long a change of one keeps the functions that it serves from answering, where that is known.
    public var outage: Outage

    /// The longest times a change may take before its provider gives it up; zero if the functions go on answering.
    public struct Outage: Sendable, Hashable {
        public var update: Duration?
        public var replacement: Duration?
        /// Arguments whose change keeps the functions from answering; nil for any.
        public var interruptedBy: [String]?

        public init(update: Duration? = nil, replacement: Duration? = nil, interruptedBy: [String]? = nil) {
            (self.update, self.replacement, self.interruptedBy) = (update, replacement, interruptedBy)
        }
    }

    public init(
        name: String, doc: String, schema: Schema, goneWithParent: Bool = false, takesAllWithIt: Bool = false,
        exclusive: [String] = [], outage: Outage = Outage(), perSlot: Int = 1
    ) {
        self.name = name
        self.doc = doc
        self.schema = schema
        self.goneWithParent = goneWithParent
        self.takesAllWithIt = takesAllWithIt
        self.exclusive = exclusive
        self.outage = outage
        self.perSlot = perSlot
    }
}
