extension Explanation {
    /// Hubs and usage.
    static let hubs: [DiagnosticCode: Explanation] = [
        .hubUnreachable: Explanation(
            "the hub does not answer",
            cause: "it is down",
            fix: "`osiris drift`, `osiris apply`",
            example: "osiris functions call demo/hello   # while the hub is down"),
        .callFailed: Explanation(
            "the function answered with an error",
            cause: "see the status in the message",
            fix: "[hub](hub.md#http-api)",
            example: "osiris functions call demo/helo"),
        .usage: Explanation(
            "the command cannot be carried out as given",
            cause: "`--data` that is not JSON; no terminal and no `--auto-approve`; `init` over existing files",
            fix: "see the help line",
            example: "osiris functions call demo/hello --data {name: Ada}"),
        .hubNotTrusted: Explanation(
            "a hub's certificate is not from the cluster's authority; nothing was sent",
            cause: "another program listens there; the state is not the one that made the hub",
            fix: "see what listens at that address, then `osiris plan`",
            example: "osiris functions list    # another program listens on the port"),
        .hubOtherName: Explanation(
            "a hub's certificate is for another host; nothing was sent",
            cause: "another program listens there",
            fix: "the same",
            example: "osiris functions list    # two hosts have swapped their addresses"),
        .hubCertificateExpired: Explanation(
            "a hub's certificate has expired or is not valid yet; nothing was sent",
            cause: "no apply for two months; a wrong clock",
            fix: "`osiris apply`; [TLS](tls.md#rotation)",
            example: "osiris functions list    # three months after the last apply"),
        .hubRefused: Explanation(
            "the hub refuses what a command asked of it",
            cause:
                "a function or version that is not there; replicas outside of its scale; a token's name or id that is taken; a hub of an earlier version",
            fix: "see the message",
            example: "osiris functions scale demo/hello 99"),
        .auditBroken: Explanation(
            "a hub's [audit log](hub-operations.md#audit-log) is broken",
            cause: "somebody changed it on the hub's disk; the hub was made anew",
            fix: "find out who; `--new-log` after a hub was made anew",
            example: "osiris hub audit         # after somebody edited the log"),
        .backupFile: Explanation(
            "a [backup](hub-operations.md#backup-and-restore) cannot be written, read or opened",
            cause: "another key; a damaged file",
            fix: "see the message",
            example: "osiris hub restore backup.tar   # made under another key"),
        .hubNotEmpty: Explanation(
            "a restore into a hub that has functions (exit **4**)",
            cause: "the wrong target",
            fix: "`--force` if you mean it",
            example: "osiris hub restore backup.tar -t here   # which has functions"),
        .bundle: Explanation(
            "a [bundle](bundle.md) cannot be made, read or trusted",
            cause: "a file outside of the manifest's folder; another key; a damaged copy",
            fix: "see the message; nothing of a bad bundle was used",
            example: "osiris bundle verify edge.bundle   # signed by somebody else"),
    ]
}
