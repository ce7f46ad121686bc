import OsirisDiagnostics
import OsirisModel

/// What happens to a resource.
public enum Action: String, Sendable, CaseIterable {
    case noop = "no-op"
    case create, update, replace, delete
    /// Only its name is another.
    case move
}

/// Why. Reasons explain to people; nothing branches on them.
public indirect enum ActionReason: Sendable {
    /// Not recorded yet.
    case added
    /// Arguments differ from what was recorded at the last apply.
    case manifestChanged([String])
    /// Somebody changed these outside osiris.
    case drifted([String])
    /// Both at once.
    case manifestChangedAndDrifted(manifest: [String], drift: [String])
    /// Recorded, but no longer there.
    case gone
    /// It lives on a resource that is made anew.
    case parentMade(ResourceAddress, Action, ActionReason)
    /// A value it takes from another resource is not known yet or changes.
    case follows(ResourceAddress, [String])
    /// The last operation on it failed halfway.
    case incomplete(String)
    /// The state's key was changed; what the object keeps sealed is under the old one.
    case keyChanged
    /// Secrets that the provider generated are known to nobody any more.
    case secretLost([String])
    /// Something of it ends in this many days, or has ended this many days ago if negative.
    case expires(String, days: Int)
    /// The operator asked for another certificate authority.
    case rotationAsked
    case removed
    case destroyed
    /// It is the cluster's and in no state, and its delete was asked for.
    case orphaned
    /// It had this address until now.
    case moved(ResourceAddress)
    /// Read back from a plan file: only the text is left, and the resource whose change is the reason.
    case recorded(String, origin: ResourceAddress?)

    public var text: String {
        switch self {
        case .added: "added to the manifest"
        case .manifestChanged(let paths): "\(Self.list(paths)) changed in the manifest"
        case .drifted(let paths): "\(Self.list(paths)) changed outside osiris"
        case .manifestChangedAndDrifted(let manifest, let drift):
            "\(Self.list(manifest)) changed in the manifest, \(Self.list(drift)) changed outside osiris"
        case .gone: "it was removed outside osiris"
        case .parentMade(let parent, let action, let reason):
            "it lives on \(parent), which is \(action == .replace ? "replaced" : "created"): \(reason.text)"
        case .follows(let address, let paths): "\(Self.list(paths)) follows \(address)"
        case .incomplete(let why): "its last apply did not finish: \(why)"
        case .keyChanged: "the state's key was changed; apply seals what it keeps for a rebuild anew"
        case .secretLost(let names): "its \(Self.list(names)) is lost; apply makes it anew"
        case .expires(let what, let days): "rotate \(what): \(Ending.text(days: days))"
        case .rotationAsked: "rotate the certificate authority: asked for with `osiris hub rotate-ca`"
        case .recorded(let text, _): text
        case .orphaned: "it is in no state, and its delete was asked for"
        case .moved(let address): "it is renamed: it was \(address)"
        case .removed: "removed from the manifest"
        case .destroyed: "destroy was asked for"
        }
    }

    /// The resource whose change is the reason for this one; nil if it has a reason of its own.
    public var origin: ResourceAddress? {
        switch self {
        case .parentMade(let address, _, _), .follows(let address, _): address
        case .recorded(_, let origin): origin
        default: nil
        }
    }

    private static func list(_ paths: [String]) -> String {
        paths.count <= 3
            ? paths.joined(separator: ", ") : paths.prefix(2).joined(separator: ", ") + " and \(paths.count - 2) more"
    }
}

/// One differing attribute; `nil` means absent, which is not the same as null.
public struct AttributeChange: Sendable, Hashable {
    /// Dotted, such as `env.GREETING`.
    public var path: String
    public var before: Value?
    public var after: Value?
    public var forcesReplacement: Bool

    public init(path: String, before: Value?, after: Value?, forcesReplacement: Bool = false) {
        self.path = path
        self.before = before
        self.after = after
        self.forcesReplacement = forcesReplacement
    }
}

/// What will be done to one resource, and why.
public struct ResourceChange: Sendable {
    public var address: ResourceAddress
    public var provider: String
    public var action: Action
    public var reason: ActionReason
    /// The manifest place of the cause: the first changed attribute, or the declaration.
    public var source: SourceSpan?
    /// Sorted by path; empty for a delete.
    public var attributes: [AttributeChange]
    /// All arguments with references still in place; empty for a delete.
    public var arguments: Attributes
    /// As refreshed (or recorded, if it could not be read); empty for a create.
    public var prior: Attributes
    public var parent: ResourceAddress?
    public var dependsOn: [ResourceAddress]
    /// Set for one that is renamed, whatever else is done to it: that comes first.
    public var moved: ResourceMove?

    public init(
        address: ResourceAddress, provider: String, action: Action, reason: ActionReason, source: SourceSpan?,
        attributes: [AttributeChange] = [], arguments: Attributes = [:], prior: Attributes = [:],
        parent: ResourceAddress? = nil, dependsOn: [ResourceAddress] = [], moved: ResourceMove? = nil
    ) {
        self.address = address
        self.provider = provider
        self.action = action
        self.reason = reason
        self.source = source
        self.attributes = attributes
        self.arguments = arguments
        self.prior = prior
        self.parent = parent
        self.dependsOn = dependsOn
        self.moved = moved
    }

    /// Where the state has it when the plan is made.
    public var recordedAddress: ResourceAddress { moved?.from ?? address }
}

/// What changed outside osiris since the last apply.
public struct ResourceDrift: Sendable {
    public var address: ResourceAddress
    /// `before` is recorded, `after` actual; empty when the whole object is gone.
    public var attributes: [AttributeChange]
    public var gone: Bool

    public init(address: ResourceAddress, attributes: [AttributeChange], gone: Bool) {
        self.address = address
        self.attributes = attributes
        self.gone = gone
    }
}
