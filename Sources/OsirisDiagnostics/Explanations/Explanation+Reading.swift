extension Explanation {
    /// Reading files and YAML.
    static let reading: [DiagnosticCode: Explanation] = [
        .fileUnreadable: Explanation(
            "a file or folder cannot be read",
            cause: "wrong path, no right to read it",
            fix: "mend the path",
            example: "osiris plan -f clustr.yaml"),
        .yamlSyntax: Explanation(
            "not YAML",
            cause: "a tab, a missing quote, a stray `:`; a control character",
            fix: "mend the place shown",
            example: #"""
                hub:
                \#tport: 8080        # a tab cannot indent YAML
                """#),
        .duplicateKey: Explanation(
            "a key stands twice in a mapping",
            cause: "copied lines",
            fix: "remove one; merge several with `<<: [*a, *b]`",
            example: #"""
                hub:
                  port: 8080
                  port: 9090
                """#),
        .undefinedAlias: Explanation(
            "an alias without its anchor, or inside it",
            cause: "misspelt name",
            fix: "define the anchor before it",
            example: "rollout: *careful      # nowhere is an `&careful`"),
        .documentTooComplex: Explanation(
            "more than 100 levels, 5,000,000 keys and values, or 1,000,000 by aliases",
            cause: "generated YAML, nested aliases",
            fix: "split or simplify it",
            example: #"""
                a: &a {x: 1, y: 2}
                b: &b {p: *a, q: *a}   # and so on, ten levels down
                """#),
        .nonStringKey: Explanation(
            "a key that is not a string",
            cause: "`1:`, `true:`, `{…}:`",
            fix: "quote it",
            example: #"""
                env:
                  1: one
                """#),
        .emptyManifest: Explanation(
            "no manifest there",
            cause: "wrong folder; files not named `*.yaml` or `*.yml`; no `kind: Cluster`",
            fix: "name the right folder with `-f`",
            example: "osiris plan -f docs/"),
        .invalidEncoding: Explanation(
            "not UTF-8",
            cause: "an editor saved another encoding",
            fix: "save as UTF-8",
            example: #"""
                # saved as Latin-1
                env: {GREETING: gr\xFC\xDFe}
                """#),
    ]
}
