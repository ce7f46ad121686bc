import OsirisModel

/// The marks by which an object in a cloud says whose it is: tags or labels, set in the call that makes the object.
public struct CloudMarks: Sendable, Hashable {
    public var cluster: String
    public var address: ResourceAddress
    /// Of the state.
    public var lineage: String
    /// Number of the lock under which it was made or changed.
    public var fence: Int
    /// Token of the operation that made it.
    public var operation: String

    /// Those of what the operation makes.
    public init(_ request: OperationRequest) {
        cluster = request.cluster.name
        address = request.address
        lineage = request.owner.lineage
        fence = request.owner.fencing
        operation = request.token
    }

    /// Nil unless the tags name a cluster and a resource.
    public init?(_ tags: [String: String]) {
        guard let cluster = tags[Key.cluster.text], let address = tags[Key.address.text].flatMap(ResourceAddress.init)
        else { return nil }
        self.cluster = cluster
        self.address = address
        lineage = tags[Key.lineage.text] ?? ""
        fence = tags[Key.fence.text].flatMap { Int($0) } ?? 0
        operation = tags[Key.operation.text] ?? ""
    }

    public enum Key: String, Sendable, CaseIterable {
        case cluster, address, lineage, fence, operation

        /// `osiris:cluster`.
        public var text: String { prefix + rawValue }
    }

    /// Tags that begin with it are the provisioner's.
    public static let prefix = "osiris:"

    public var tags: [String: String] {
        var tags = [
            Key.cluster.text: cluster, Key.address.text: address.text, Key.operation.text: operation,
        ]
        if !lineage.isEmpty {
            tags[Key.lineage.text] = lineage
            tags[Key.fence.text] = String(fence)
        }
        return tags
    }

    /// True if a later holder of the same state's lock was at the object.
    public func fences(_ owner: Ownership) -> Bool {
        owner.isFenced && lineage == owner.lineage && fence > owner.fencing
    }
}

private let prefix = CloudMarks.prefix
