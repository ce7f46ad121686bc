import OsirisModel

/// What the operator allows in this one run although the manifest's `safety` forbids it.
public struct SafetyOverrides: Sendable {
    /// Exactly so many deletes and replacements, whatever the limit.
    public var deletes: Int?
    /// Protected resources that may be deleted or replaced.
    public var protected: Set<ResourceAddress>

    public init(deletes: Int? = nil, protected: Set<ResourceAddress> = []) {
        self.deletes = deletes
        self.protected = protected
    }

    public static let none = SafetyOverrides()
}
