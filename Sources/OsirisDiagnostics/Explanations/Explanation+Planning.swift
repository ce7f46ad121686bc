extension Explanation {
    /// Planning.
    static let planning: [DiagnosticCode: Explanation] = [
        .movedTaken: Explanation(
            "what is to be renamed cannot have its new name",
            cause: "the state has a resource of that name already, or the new one is of another provider",
            fix:
                "take the entry of `moved` out: the old one is deleted then; or remove the one that has the name first",
            example: "moved: [{from: use1, to: us-east}]   # after both were applied"),
        .looksRenamed: Explanation(
            "what goes and what comes differ in nothing but the name (warning)",
            cause: "a target or a machine got another name in the manifest",
            fix: "an entry of `moved` for it, if it is the same one; nothing, if it is not",
            example: "hosts: [{host: n1.dc1, name: db1}]   # and it was applied with the name a"),
        .dependencyCycle: Explanation(
            "resources need each other in a circle",
            cause: "a fault of a provider",
            fix: "report it",
            example: "two resources whose attributes refer to each other"),
        .unknownDependency: Explanation(
            "a resource needs one that is not declared",
            cause: "a fault of a provider",
            fix: "report it",
            example: "a resource whose parent the provider did not declare"),
        .duplicateAddress: Explanation(
            "two resources have one address",
            cause: "two hosts with one name",
            fix: "rename one",
            example: "hosts: [{host: n1.dc1, name: a}, {host: n1.dc2, name: a}]"),
        .resourceUnreadable: Explanation(
            "a resource cannot be read",
            cause: "the hub hangs; a store is damaged. As a warning: what it lives on is changed first.",
            fix: "mend the cause, or `--exclude` it; the machine is set aside, the others go on",
            example: "osiris plan              # while a hub hangs"),
        .deleteLimit: Explanation(
            "more deletes than `safety.maxDeletes`",
            cause: "a target or functions left the manifest",
            fix: "check the plan; raise the limit if you mean it, or `--allow-deletes N` once",
            example: "safety: {maxDeletes: 5}   # and six functions taken out"),
        .protectedResource: Explanation(
            "a protected resource would go",
            cause: "as above",
            fix: "take the pattern out if you mean it, or `--allow-protected ADDRESS` once",
            example: #"""
                safety: {protect: ["rack-a/*"]}   # and rack-a taken out
                """#),
        .noMatch: Explanation(
            "an address, pattern or identity matches nothing",
            cause: "misspelt; not applied yet; not declared",
            fix: "`osiris state list`, `osiris orphans`",
            example: "osiris plan --target rakc-a"),
        .emptyCluster: Explanation(
            "no targets in the manifest, but resources in the state",
            cause: "emptied or wrong file",
            fix: "`osiris destroy` with the manifest that made it",
            example: "targets: []              # after an apply with targets"),
        .planFile: Explanation(
            "not a plan file, or damaged or of another version",
            cause: "a manifest given to `apply` without `-f`",
            fix: "`osiris plan --out FILE`, or `-f`",
            example: "osiris apply cluster.yaml   # -f is missing"),
        .stalePlan: Explanation(
            "the saved plan is stale",
            cause: "state, manifest or facts have moved",
            fix: "make a new one",
            example: "osiris plan --out plan.bin; osiris apply; osiris apply plan.bin"),
        .portConflict: Explanation(
            "two hubs on one machine have the same port",
            cause: "two `local` targets without a port of their own",
            fix: "set `port` in one of the targets",
            example: #"""
                targets:
                  - {name: a, provider: local}
                  - {name: b, provider: local}
                """#),
        .expiresSoon: Explanation(
            "something ends soon (warning)",
            cause: "a hub's certificate has fewer than 45 days left",
            fix: "nothing yet; a plan [renews it](tls.md#rotation) below 30 days",
            example: "osiris plan              # six weeks after the last apply"),
        .machineOffline: Explanation(
            "a machine cannot be reached and is set aside",
            cause: "it is down; the network",
            fix: "mend it, apply again: only it is left to do",
            example: "osiris apply             # while a host is switched off"),
    ]
}
