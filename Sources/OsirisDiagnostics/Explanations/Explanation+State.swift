extension Explanation {
    /// State and locks.
    static let state: [DiagnosticCode: Explanation] = [
        .stateUnreadable: Explanation(
            "the state cannot be used",
            cause: "permissions; a folder in its place; a stopped process that holds its file",
            fix: "mend them; end that process",
            example: "chmod 000 .osiris/state.db; osiris plan"),
        .stateDamaged: Explanation(
            "the state is damaged",
            cause: "another file under that name; a broken disk",
            fix: "`osiris state rebuild`, or restore a backup",
            example: "cp holiday.jpg .osiris/state.db; osiris plan"),
        .stateTooNew: Explanation(
            "a newer osiris wrote it",
            cause: "a colleague has updated",
            fix: "use that one",
            example: "osiris-1.2 apply; osiris-1.1 plan"),
        .stateLocked: Explanation(
            "another run holds the lock",
            cause: "a colleague, CI",
            fix: "wait; a killed run frees it within 30 s",
            example: "osiris apply             # in two terminals"),
        .lockLost: Explanation(
            "the lock was taken over while it ran, or a host was changed by a later run; 1 if operations were running",
            cause: "the process was stopped for more than 30 s",
            fix: "see who applied (`osiris state history`), then run apply again",
            example: "kill -STOP PID           # of an apply, for a minute, while another one runs"),
        .stateKey: Explanation(
            "the key is missing, malformed or wrong",
            cause: "`.osiris/key` was not restored; another `OSIRIS_STATE_KEY`",
            fix: "put the key back",
            example: "rm .osiris/key; osiris plan"),
        .stateOtherCluster: Explanation(
            "the state belongs to another cluster",
            cause: "`metadata.name` changed; two clusters in one folder",
            fix: "a state for each cluster: `--state`",
            example: #"""
                metadata:
                  name: edge-2             # was edge
                """#),
        .stateWrite: Explanation(
            "the state cannot be written",
            cause: "full disk, permissions; the service is away",
            fix: "make room, run it again",
            example: "osiris apply             # on a full disk"),
        .stateNotEmpty: Explanation(
            "a rebuild of a healthy state with resources",
            cause: "typed by mistake",
            fix: "`osiris plan`; move the file away if you mean it",
            example: "osiris state rebuild     # while the state is fine"),
        .doubleClaim: Explanation(
            "two objects claim one address",
            cause: "a copied folder or line; an accident",
            fix: "remove one, rebuild again",
            example: "cp -r .osiris/hubs/here .osiris/hubs/copy; osiris state rebuild"),
        .placeUnreadable: Explanation(
            "a place cannot be searched. As a warning: it was passed over with `--partial`, or a hub's token is lost",
            cause: "the hub is stopped; a store is damaged; the key is lost",
            fix: "mend it, rebuild again",
            example: "osiris state rebuild     # while a hub is stopped"),
        .severalLineages: Explanation(
            "objects of several states",
            cause: "an apply after the state was lost; somebody else's cluster of this name",
            fix: "`--lineage`",
            example: "rm .osiris/state.db; osiris apply; osiris state rebuild"),
        .parentMissing: Explanation(
            "what an object lives on is left out or not there, so it is left out",
            cause: "see OSR0410",
            fix: "rebuild again after that",
            example: "osiris state rebuild     # after OSR0410 for the machine below"),
        .stateFilesystem: Explanation(
            "the state is where two hosts could write at once",
            cause: "network share, a file system that forgets locks",
            fix: "a local disk with `--state`, or a shared state",
            example: "osiris apply --state /mnt/nfs/state.db"),
        .stateMoved: Explanation(
            "the state moved to another place",
            cause: "`osiris state migrate` was run",
            fix: "use the place it names: `--state`, `OSIRIS_STATE`, `spec.state`",
            example: "osiris state migrate --to s3://bucket/edge; osiris plan --state .osiris/state.db"),
        .statePlace: Explanation(
            "the state's place is no path and no URL osiris knows, or its settings are incomplete",
            cause: "a misspelt URL; half of the credentials",
            fix: "see the message",
            example: "osiris plan --state s4://bucket/edge"),
        .stateMigration: Explanation(
            "a migration is refused or not finished",
            cause: "another state is in the new place; it was cut off",
            fix: "another place; run it again",
            example: "osiris state migrate     # to a place that holds another state"),
    ]
}
