extension Explanation {
    /// Applying.
    static let applying: [DiagnosticCode: Explanation] = [
        .operationFailed: Explanation(
            "an operation failed",
            cause: "see the message",
            fix: "mend it, `osiris apply` again",
            example: "osiris apply             # a function whose smoke call answers something else"),
        .inconsistentResult: Explanation(
            "the provider answered something else than planned",
            cause: "a fault of the provider",
            fix: "report it; apply again",
            example: "osiris apply             # a service that rounds what it was given"),
        .unresolvedIntent: Explanation(
            "nobody can say whether a create took place (warning)",
            cause: "the service does not answer; several candidates",
            fix: "apply again when it answers; remove all candidates but one",
            example: "osiris apply             # the answer to a create was lost, and the service is away"),
        .machineFailed: Explanation(
            "a machine failed in a [rollout](rollout.md); or too many do not serve, so that others were not begun",
            cause: "the change is bad; a machine is",
            fix: "mend the cause, apply again",
            example: "rollout: {onFailure: rollback}   # and a machine that does not come back"),
        .putBackFailed: Explanation(
            "something could not be put back",
            cause: "it was replaced or deleted; its earlier secret is known to nobody; its hub is down",
            fix: "look at it by hand, or apply what you want",
            example: "osiris apply             # a rollback of what was replaced meanwhile"),
    ]
}
