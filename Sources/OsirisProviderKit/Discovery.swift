import OsirisManifest
import OsirisModel
import OsirisTransport

/// Asks for everything of one type that carries a cluster's marks, for a state that has to be made again.
public struct DiscoveryRequest: Sendable {
    /// The manifest: it names the cluster and the places to look in.
    public var cluster: Cluster
    /// What was found to lie below: of the types that the provider lists before this one; for a provider without
    /// targets of its own, of all providers that do not handle the type themselves.
    public var below: [DiscoveredResource]
    /// What the manifest wants of the provider, with the values of what was found in place of references; without what
    /// refers to, or lives on, something that was not found. For places that only the manifest tells how to reach.
    public var wanted: [ResourceDeclaration]
    /// Opens what marks keep sealed; nil if the state has no key.
    public var key: Sealer?

    public init(
        cluster: Cluster, below: [DiscoveredResource] = [], wanted: [ResourceDeclaration] = [], key: Sealer? = nil
    ) {
        self.cluster = cluster
        self.below = below
        self.wanted = wanted
        self.key = key
    }
}

/// An object that says whose it is: what is needed to record it, and to tell it from another one.
public struct DiscoveredResource: Sendable, Hashable {
    /// As marked.
    public var address: ResourceAddress
    /// All attributes, as `read` answers them.
    public var attributes: Attributes
    /// What it lives on.
    public var parent: ResourceAddress?
    /// What else it needs, where the object tells.
    public var dependsOn: [ResourceAddress]
    /// Identity of the state it was made under; nil for an object of an osiris that left none.
    public var lineage: String?
    /// Token of the operation that made it or changed it last, where the object tells.
    public var operation: String?
    /// Where it is and what it is called there, so that a person finds it: `object engine-1f in /srv/sim.jsonl`.
    public var place: String
    /// What could not be found out about it; recorded, so that the next plan takes it up.
    public var incomplete: String?

    public init(
        address: ResourceAddress, attributes: Attributes, parent: ResourceAddress? = nil,
        dependsOn: [ResourceAddress] = [], lineage: String? = nil, operation: String? = nil, place: String,
        incomplete: String? = nil
    ) {
        self.address = address
        self.attributes = attributes
        self.parent = parent
        self.dependsOn = dependsOn
        self.lineage = lineage
        self.operation = operation
        self.place = place
        self.incomplete = incomplete
    }
}

/// What one handler found.
public struct Discovery: Sendable {
    /// Two objects that claim one address are both here; a person decides between them.
    public var resources: [DiscoveredResource]
    /// Places that may hold more and could not be searched: which, and why.
    public var unreadable: [UnreadablePlace]

    public init(_ resources: [DiscoveredResource] = [], unreadable: [UnreadablePlace] = []) {
        self.resources = resources
        self.unreadable = unreadable
    }
}

/// A place that could not be searched. An empty place is none: nothing being there is an answer.
public struct UnreadablePlace: Sendable, Hashable {
    /// Such as `hub here/hub.here`.
    public var place: String
    /// In one sentence without a full stop.
    public var reason: String
    /// What to do about it.
    public var help: String?

    public init(_ place: String, _ reason: String, help: String? = nil) {
        self.place = place
        self.reason = reason
        self.help = help
    }
}
