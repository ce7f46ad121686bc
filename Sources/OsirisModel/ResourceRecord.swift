import OsirisDiagnostics

/// A resource as the state remembers it after its last operation.
public struct ResourceRecord: Sendable, Hashable {
    public var address: ResourceAddress
    public var provider: String
    /// Version of the type's schema the attributes were written with, from 1.
    public var schemaVersion: Int
    /// All attributes, arguments and computed; secrets hold a clear value only where the provisioner made them.
    public var attributes: Attributes
    /// The resource it lives on. When that one is recorded as deleted, this one goes with it.
    public var parent: ResourceAddress?
    public var dependsOn: [ResourceAddress]
    /// Where the manifest declared it when it was last applied.
    public var source: SourceSpan?
    /// Why the last operation on it did not finish, or nil: the next plan takes it up again.
    public var incomplete: String?
    /// The value of `incomplete` where nothing failed, but what the object keeps sealed is under a former key.
    public static let keyChanged = "the state's key was changed"
    /// The value of `incomplete` where nothing failed, but the operator asked for another certificate authority.
    public static let rotationAsked = "another certificate authority was asked for"

    public init(
        address: ResourceAddress, provider: String, schemaVersion: Int = 1, attributes: Attributes,
        parent: ResourceAddress? = nil, dependsOn: [ResourceAddress] = [], source: SourceSpan? = nil,
        incomplete: String? = nil
    ) {
        self.address = address
        self.provider = provider
        self.schemaVersion = schemaVersion
        self.attributes = attributes
        self.parent = parent
        self.dependsOn = dependsOn
        self.source = source
        self.incomplete = incomplete
    }

    /// The resource type, such as `hub`.
    public var type: String { String(address.type) }
}
