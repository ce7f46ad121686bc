import OsirisDiagnostics
import OsirisManifest
import OsirisModel

/// A resource that a plan is about to create, update, replace or rename, for a provider that looks at the place first.
public struct PreflightChange: Sendable {
    public enum Action: String, Sendable { case create, update, replace, move }

    public var address: ResourceAddress
    /// What it stands on in the end, such as `rack-a/host.n07`; itself where it stands on nothing.
    public var root: ResourceAddress
    public var action: Action
    /// All arguments; `.unknown` where a value is known only after apply.
    public var planned: Attributes
    /// Present attributes; empty for a create.
    public var prior: Attributes
    /// The name that its marks still have, for one that is renamed, whatever else is done to it.
    public var movedFrom: ResourceAddress?

    public init(
        address: ResourceAddress, root: ResourceAddress, action: Action, planned: Attributes, prior: Attributes,
        movedFrom: ResourceAddress? = nil
    ) {
        self.address = address
        self.root = root
        self.action = action
        self.planned = planned
        self.prior = prior
        self.movedFrom = movedFrom
    }
}

/// Why nothing that stands on a root can be changed now, or is to be; a root may have several. Its changes leave the plan; the others stay.
public struct PreflightFault: Sendable, Hashable {
    public enum Effect: Sendable, Hashable {
        /// The root cannot take its changes.
        case setAside
        /// Somebody wants the root to be left alone: that is told, and is no failure.
        case leftAlone
        /// The root is changed all the same.
        case warning
    }

    /// A root, such as `rack-a/host.n07`.
    public var root: ResourceAddress
    public var code: DiagnosticCode
    /// What is wrong with it, in one sentence without a full stop.
    public var message: String
    /// The next step for the user.
    public var help: String?
    /// The manifest's place of it, where there is one.
    public var source: SourceSpan?
    public var effect: Effect

    public init(
        root: ResourceAddress, code: DiagnosticCode, message: String, help: String? = nil, source: SourceSpan? = nil,
        effect: Effect = .setAside
    ) {
        self.root = root
        self.code = code
        self.message = message
        self.help = help
        self.source = source
        self.effect = effect
    }

    public var isWanted: Bool { effect == .leftAlone }

    public var diagnostic: Diagnostic {
        let (severity, words): (Diagnostic.Severity, String) =
            switch effect {
            case .setAside: (.error, "set aside: ")
            case .leftAlone: (.warning, "left alone: ")
            case .warning: (.warning, "")
            }
        return Diagnostic(
            severity, code, "\(words)`\(root)`: \(message)", at: source, address: root.text, help: help)
    }
}

extension Provider {
    public func preflight(_ changes: [PreflightChange], of cluster: Cluster) async -> [PreflightFault] { [] }
}
