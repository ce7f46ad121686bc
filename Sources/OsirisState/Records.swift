import Foundation
import OsirisDiagnostics
import OsirisModel

/// An operation that was begun: durable before the provider is called, gone once its result is durable.
///
/// One that is found in a snapshot belongs to a run that was killed, or to an operation whose outcome is not known.
public struct Intent: Sendable, Hashable {
    public enum Action: String, Sendable, Hashable { case create, update, delete }

    /// Idempotency token; unique among the open intents.
    public var token: String
    public var address: ResourceAddress
    public var provider: String
    public var type: String
    public var action: Action
    /// What the operation is to reach. Secrets come back as digests; empty for a delete.
    public var planned: Attributes
    public var parent: ResourceAddress?
    public var dependsOn: [ResourceAddress]
    public var startedAt: Date
    /// Why its outcome is not known, if it failed with `keepIntent`.
    public var failure: String?

    public init(
        token: String, address: ResourceAddress, provider: String, type: String, action: Action, planned: Attributes,
        parent: ResourceAddress? = nil, dependsOn: [ResourceAddress] = [], startedAt: Date, failure: String? = nil
    ) {
        self.token = token
        self.address = address
        self.provider = provider
        self.type = type
        self.action = action
        self.planned = planned
        self.parent = parent
        self.dependsOn = dependsOn
        self.startedAt = startedAt
        self.failure = failure
    }

    /// Renames an object: marks first, then the state. `planned` is where it is recorded. The token says that it is one; a
    /// killed run's is carried out by the next apply before it plans, because its object may have either name.
    public static func move(
        _ record: ResourceRecord, to address: ResourceAddress, token: String, startedAt: Date
    ) -> Intent {
        Intent(
            token: movePrefix + token, address: address, provider: record.provider, type: String(address.type),
            action: .update, planned: [fromKey: .string(record.address.text)], parent: record.parent,
            dependsOn: record.dependsOn, startedAt: startedAt)
    }

    /// Where an object that is being renamed is recorded; nil for any other operation.
    public var movedFrom: ResourceAddress? {
        token.hasPrefix(Self.movePrefix) ? planned[Self.fromKey]?.stringValue.flatMap(ResourceAddress.init) : nil
    }

    private static let movePrefix = "move-"
    private static let fromKey = "from"

    /// SHA-256 over what is asked of the provider: the same for every try of one request, another for any other.
    ///
    /// Made from what is stored, so an intent is as good as the request it was written for; secrets count by digest.
    public var requestDigest: String {
        Digest.sha256(
            Value.list([
                .string(action.rawValue), .string(address.text), .string(provider), .map(planned),
                parent.map { .string($0.text) } ?? .null,
            ]).json())
    }
}

/// One thing to write down. See `StateSession.record`.
public enum StateEntry: Sendable, Hashable {
    /// An operation is about to begin.
    case intent(Intent)
    /// The operation with this token is done. No record means that the object is gone.
    case succeeded(token: String, record: ResourceRecord?, text: String = "")
    /// The operation failed. `keepIntent` says that it may have taken effect, so the next run must look.
    /// - Parameter message: in words, without secrets.
    case failed(token: String, message: String, keepIntent: Bool)
    /// An earlier run's open operation certainly did not take effect, or refresh will tell: nothing is open any more.
    case closed(token: String, text: String)
    /// The object of this token's intent has another address now. Beside its record, those that name it anew: what lives on
    /// it and needs it.
    case moved(token: String, from: ResourceAddress, record: ResourceRecord, dependants: [ResourceRecord])
    /// What was found to exist without an operation of this run: drift taken over, an import, a rebuild.
    case observed(ResourceRecord, text: String = "")
    /// The resource and all that lives on it leave the state; the objects stay as they are.
    case forgotten(ResourceAddress, text: String = "")
    /// An event for the history only.
    case note(ResourceAddress?, text: String)
}

/// Everything the state holds at one moment: a value, safe to keep and to compare.
public struct StateSnapshot: Sendable, Hashable {
    /// Identity of this state since it was made, a lower-case UUID.
    public var lineage: String
    /// Counts the transactions that changed resources, from 0.
    public var serial: Int
    /// Name of the cluster it belongs to; nil before the first write.
    public var cluster: String?
    public var resources: [ResourceAddress: ResourceRecord]
    /// Operations whose result nobody recorded, oldest first.
    public var intents: [Intent]

    public init(
        lineage: String, serial: Int = 0, cluster: String? = nil,
        resources: [ResourceAddress: ResourceRecord] = [:], intents: [Intent] = []
    ) {
        self.lineage = lineage
        self.serial = serial
        self.cluster = cluster
        self.resources = resources
        self.intents = intents
    }
}
