import OsirisDiagnostics
import OsirisManifest
import OsirisModel

/// Reads and changes the objects of one resource type.
///
/// Called from many tasks at once. A call ends when the object is as asked, or throws `ProviderError`.
/// Create, update and delete first check `request.owner` at the place, in one step with the change: a lower fencing number
/// than the highest seen there of its lineage throws `.fenced` and changes nothing; a higher one is kept.
/// Cancellation is honoured between steps, never in the middle of a write.
public protocol ResourceHandler: Sendable {
    var type: ResourceType { get }

    /// The present attributes of many objects, answers in the order of the requests.
    ///
    /// All requests are of one target: list once and pick, never one call for each resource.
    func read(_ requests: [ReadRequest], of cluster: Cluster) async -> [ReadResult]

    /// Makes the object. The token is the same at every try: an object that carries it is the answer.
    /// - Returns: all attributes, arguments and computed.
    /// - Throws: `ProviderError`; `.answerLost` when the object may exist.
    func create(_ request: OperationRequest) async throws -> Attributes

    /// Changes the object in place from `request.prior` to `request.planned`. Repeating it is harmless. A computed
    /// secret that `prior` does not have, because it was lost, is made anew.
    /// - Returns: all attributes.
    func update(_ request: OperationRequest) async throws -> Attributes

    /// Undoes an update whose machine did not come up: back to the attributes `earlier` that the object had before.
    ///
    /// `request.planned` are the arguments among them, `request.prior` what was recorded since, if the update succeeded.
    /// Secrets have their clear value only if the manifest or the state still knows it. By default an update; a type whose
    /// place keeps earlier versions goes back to the one it kept. Repeating it is harmless.
    /// - Returns: all attributes.
    func putBack(_ request: OperationRequest, to earlier: Attributes) async throws -> Attributes

    /// Puts the address `request.address` in the place of `from` in the marks of an object, and changes nothing else: what
    /// serves goes on serving. `request.prior` are its attributes, `request.planned` is empty.
    ///
    /// Repeating it is harmless: the object may have either address. By default refused.
    func move(_ request: OperationRequest, from: ResourceAddress) async throws

    /// Removes the object; it being gone already is success.
    func delete(_ request: OperationRequest) async throws

    /// Finds out whether a create, whose answer nobody recorded, took place: by token, tag or deterministic name.
    ///
    /// Changes nothing: plan asks it too, without the lock. It starts, stops, removes and calls nothing.
    func resolve(_ request: OperationRequest) async throws -> IntentResolution

    /// Makes the place of an operation that an earlier run left open refuse every holder of the state's lock before
    /// `request.owner`, from its return on. Changes no object.
    ///
    /// An apply asks it first, under the lock: the run before may only be asleep, with its next call already made up.
    /// - Throws: `ProviderError`; `.fenced` if a later holder was there.
    func fence(_ request: OperationRequest) async throws

    /// Everything of this type that carries the cluster's marks, in as few calls as listing allows: also objects whose
    /// target or function left the manifest, never those of another cluster. Changes nothing.
    ///
    /// Create and update leave the marks (cluster, address, lineage of `request.owner`) in the very call that makes or
    /// changes the object. An object made before there were lineages is found as well.
    func discover(_ request: DiscoveryRequest) async -> Discovery
}

extension ResourceHandler {
    public func move(_ request: OperationRequest, from: ResourceAddress) async throws {
        throw ProviderError(
            .rejected, "\(from): a \(type.name) cannot be renamed",
            help: "take the entry out of `moved`: it is deleted then, and made under its new name")
    }

    public func putBack(_ request: OperationRequest, to earlier: Attributes) async throws -> Attributes {
        if let name = request.planned.sorted(by: { $0.key < $1.key }).first(where: { $0.value.hasForgottenSecret })?.key
        {
            throw ProviderError(
                .rejected, "\(request.address): the clear value of its earlier `\(name)` is not known any more",
                help: "give the earlier value in the manifest and apply", attribute: name)
        }
        return try await update(request)
    }
}

/// Asks for the present state of one object.
public struct ReadRequest: Sendable {
    public var address: ResourceAddress
    /// As last recorded in the state.
    public var recorded: Attributes
    /// Present attributes of what it lives on, nearest first.
    public var ancestors: [Attributes]
    /// The state does not have it yet: an object with the marks of something else is unreadable, so that nobody takes it.
    public var isImport: Bool

    public init(address: ResourceAddress, recorded: Attributes, ancestors: [Attributes], isImport: Bool = false) {
        self.address = address
        self.recorded = recorded
        self.ancestors = ancestors
        self.isImport = isImport
    }
}

/// What a read found. Absent is said only when the service said so.
public enum ReadResult: Sendable {
    case present(Attributes)
    case absent
    /// The reason, in one sentence.
    case unreadable(String)
}

/// One create, update, delete or resolve call.
public struct OperationRequest: Sendable {
    /// The manifest: target settings, function sources and smoke calls. A target that was removed from the manifest is
    /// not in it, so what a delete needs must be recorded as attributes.
    public var cluster: Cluster
    public var address: ResourceAddress
    /// All arguments, nothing unknown; empty for a delete.
    public var planned: Attributes
    /// Attributes as last recorded; empty for a create.
    public var prior: Attributes
    /// Attributes of what it lives on, nearest first.
    public var ancestors: [Attributes]
    /// Idempotency token: the same for every try of one planned operation.
    public var token: String
    /// The state and the holder of its lock that ask; `.reading` for a resolve.
    public var owner: Ownership
    /// True for a create that an earlier run began and noted no end of: its call may have been made a moment ago.
    public var isCutOff: Bool
    /// Says a step on the live view, such as `waiting for /ready`. Never a secret.
    public var progress: @Sendable (String) -> Void

    public init(
        cluster: Cluster, address: ResourceAddress, planned: Attributes, prior: Attributes, ancestors: [Attributes],
        token: String, owner: Ownership = .reading, isCutOff: Bool = false,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.cluster = cluster
        self.address = address
        self.planned = planned
        self.prior = prior
        self.ancestors = ancestors
        self.token = token
        self.owner = owner
        self.isCutOff = isCutOff
        self.progress = progress
    }
}

/// What became of a create nobody recorded.
public enum IntentResolution: Sendable {
    /// The object exists, is ours and as the create would have answered it; its present attributes.
    case landed(Attributes)
    /// The object exists and is ours, and its create did not come to its end: its present attributes, and what is
    /// missing, in one sentence without a full stop. The same create again, or an update, finishes it.
    case unfinished(Attributes, String)
    case notLanded
    /// The service cannot say yet (eventual consistency): ask again.
    case unknownYet(String)
    /// More than one candidate: a person decides between these descriptions.
    case ambiguous([String])
}

/// Why a provider call failed, and whether trying again can help.
public struct ProviderError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// Refused for the rate; try again, not before `retryAfter` if given.
        case throttled(retryAfter: Duration?)
        /// Failed before it took effect (5xx, connection refused); safe to try again.
        case transient
        /// Sent, but no answer came: may have taken effect. `resolve` decides before another try.
        case answerLost
        /// Refused for good: the request itself is wrong or not allowed.
        case rejected
        /// Refused because a later holder of the state's lock was there: this run must change nothing any more.
        case fenced
    }

    public var kind: Kind
    /// What failed at which thing and why, in one sentence without a full stop.
    public var message: String
    /// The next step for the user.
    public var help: String?
    /// The argument the service complained about: shown at its manifest line.
    public var attribute: String?

    public init(_ kind: Kind, _ message: String, help: String? = nil, attribute: String? = nil) {
        self.kind = kind
        self.message = message
        self.help = help
        self.attribute = attribute
    }

    public var description: String { message }
}
