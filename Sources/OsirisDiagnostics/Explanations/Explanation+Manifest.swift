extension Explanation {
    /// The manifest.
    static let manifest: [DiagnosticCode: Explanation] = [
        .unknownKey: Explanation(
            "unknown key",
            cause: "misspelt, wrong level, or of a later version",
            fix: "see the [reference](manifest.md)",
            example: #"""
                hub:
                  prot: 8080
                """#),
        .wrongType: Explanation(
            "wrong type",
            cause: "quotes too many or too few; `yes` for `true`",
            fix: "write the type named",
            example: #"""
                hub:
                  port: "8080"
                """#),
        .missingKey: Explanation(
            "a key is missing",
            cause: "forgotten, or misspelt",
            fix: "add it",
            example: #"""
                targets:
                  - name: here         # no provider
                """#),
        .invalidQuantity: Explanation(
            "not a duration or size",
            cause: "`10 s`, `128MB`",
            fix: "`10s`, `128Mi`",
            example: "limits: {timeout: 10 s, memory: 128MB}"),
        .invalidChoice: Explanation(
            "not one of the choices",
            cause: "misspelt",
            fix: "take one that is listed",
            example: "runtime: python"),
        .invalidName: Explanation(
            "not a valid name",
            cause: "capitals, `_`, a handler without a dot",
            fix: "lower-case letters, digits, inner hyphens; `module.function`",
            example: #"""
                metadata:
                  name: My_Edge
                """#),
        .duplicateName: Explanation(
            "a name is there twice",
            cause: "copied entries",
            fix: "rename one",
            example: #"""
                targets:
                  - {name: here, provider: local}
                  - {name: here, provider: local}
                """#),
        .outOfRange: Explanation(
            "number out of range",
            cause: "a typing error, another unit",
            fix: "stay in the range shown",
            example: #"""
                hub:
                  port: 80800
                """#),
        .missingSource: Explanation(
            "a source folder, file or module is not there",
            cause: "wrong path; the handler's module is not in the folder",
            fix: "paths start at the manifest's folder",
            example: "source: functions/helo   # the folder is functions/hello"),
        .unknownTarget: Explanation(
            "`placement` or an expression names no target",
            cause: "misspelt",
            fix: "name a target",
            example: "placement: {targets: [rakc-a]}"),
        .unknownProvider: Explanation(
            "unknown provider",
            cause: "misspelt, or not in this version",
            fix: "`local` or `simulated`",
            example: #"""
                targets:
                  - {name: here, provider: locl}
                """#),
        .unsupportedVersion: Explanation(
            "unknown `apiVersion` or `kind`",
            cause: "a manifest for another version or tool",
            fix: "`osiris.dev/v1`, `Cluster` or `Overlay`",
            example: "apiVersion: osiris.dev/v2"),
        .conflictingKeys: Explanation(
            "two keys exclude each other",
            cause: "`image` and `archive`; `handler` with `command`; one name in `env` and `secrets`",
            fix: "keep one",
            example: #"""
                hub:
                  image: registry.example/hub@sha256:…
                  archive: dist/osiris-hub.tar
                """#),
        .severalClusters: Explanation(
            "two clusters in one run, or a cluster and an overlay",
            cause: "a folder with several manifests",
            fix: "run them apart with `-f FILE`",
            example: #"""
                kind: Cluster
                ---
                kind: Cluster
                """#),
        .invalidPattern: Explanation(
            "a pattern or path that cannot work",
            cause: "`?`, `[…]`, no `/` in `protect`; an open bracket in `remove`",
            fix: "only `*` is a wildcard; write `TARGET/*`",
            example: #"""
                safety: {protect: ["here/hub.?"]}
                """#),
        .overlayPatch: Explanation(
            "an overlay and its base do not fit",
            cause: "misspelt name; the base was changed",
            fix: "see the message",
            example: #"""
                kind: Overlay
                spec:
                  base: ../../base
                  patch:
                    targets:
                      - name: rakc-a   # the base has rack-a
                """#),
        .circular: Explanation(
            "a circle of overlays or of targets",
            cause: "each needs the other",
            fix: "take one of the needs away",
            example: #"""
                # a.yaml
                spec: {base: b.yaml}
                # b.yaml
                spec: {base: a.yaml}
                """#),
        .unknownMachine: Explanation(
            "a machine or an output that is not there",
            cause: "wrong index or name; a label that no machine has",
            fix: "see the message",
            example: #"""
                env: {PEER: "${target.rack-a.machines[20].address}"}   # it has 20: 0 to 19
                """#),
        .movedEntry: Explanation(
            "an entry of `moved` cannot be carried out",
            cause: "its `from` is still in the manifest or its `to` is not; two entries contradict each other",
            fix: "see the message; an entry that is done may stay or go",
            example: "moved: [{from: use1, to: us-east}]   # and spec.targets still has use1"),
    ]
}
