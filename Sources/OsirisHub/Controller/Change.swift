/// Who asks for a change of a function, under which conditions, and where it is recorded.
public struct Change: Sendable {
    /// The run of osiris that asks; nil for a person.
    var fence: Fence?
    var precondition: Precondition
    /// `Caller.name`, kept with the version.
    var author: String
    /// Nil records nothing.
    var audit: AuditTrail?

    init(
        fence: Fence? = nil, precondition: Precondition = Precondition(), author: String = "",
        audit: AuditTrail? = nil
    ) {
        self.fence = fence
        self.precondition = precondition
        self.author = author
        self.audit = audit
    }
}
