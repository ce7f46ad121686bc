import OsirisTransport

/// Which state an operation belongs to, and which holder of its lock asks for it.
///
/// Providers leave it on what they make (tags, labels, a marker on a host) in the creating call itself: by the lineage a
/// lost state is rebuilt, and by the fencing token a host refuses a holder whose lock was taken over while it slept
/// (https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html, "Making the lock safe with fencing").
public struct Ownership: Sendable {
    /// Identity of the state, a lower-case UUID; empty in a request that changes nothing.
    public var lineage: String
    /// Grows with every holder of the state's lock, over lost and rebuilt states too; 0 in a request that changes nothing.
    public var fencing: Int
    /// The state's key, for what a marker keeps sealed for a rebuild, such as a hub's admin token. Asked only when
    /// needed, because asking makes the key file.
    public var key: @Sendable () async throws -> Sealer?

    public init(lineage: String, fencing: Int, key: @escaping @Sendable () async throws -> Sealer? = { nil }) {
        self.lineage = lineage
        self.fencing = fencing
        self.key = key
    }

    /// Of a request that changes nothing.
    public static let reading = Ownership(lineage: "", fencing: 0)

    /// True if places check `fencing`; false for `.reading`, which has none.
    public var isFenced: Bool { !lineage.isEmpty }
}
