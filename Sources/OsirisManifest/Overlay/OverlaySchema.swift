import OsirisModel

extension ManifestSchema {
    /// The `kind` of a document that changes another one.
    public static let overlayKind = "Overlay"

    /// A document with `kind: Overlay`.
    public static let overlay = Schema([
        Field(
            "apiVersion", .choice([apiVersion]), required: true, doc: "The version of the manifest format.",
            example: apiVersion),
        Field(
            "kind", .choice([overlayKind]), required: true, doc: "What the document describes.", example: overlayKind),
        Field(
            "metadata",
            .object(
                Schema([
                    Field(
                        "name", .name, doc: "The cluster's name here; that of the base when absent.",
                        example: "edge-prod")
                ])), doc: "What identifies the cluster.", example: "{name: edge-prod}"),
        Field(
            "spec",
            .object(
                Schema([
                    Field(
                        "base", .path(mustExist: .anything), required: true,
                        doc:
                            "The manifest that is changed: a file or a folder, from this file's folder. May be an overlay itself.",
                        example: "../../base"),
                    Field(
                        "remove", .list(of: .string),
                        doc: "What the base has and this cluster has not, by path; removed before anything else.",
                        example: "[\"functions[demo/debug]\", hub.alerts]"),
                    Field(
                        "patch", .any,
                        doc:
                            "A part of `spec`, laid over that of the base: mappings by key, functions, targets and alerts by their "
                            + "names; other values are replaced.",
                        example: "{hub: {port: 9090}, functions: [{name: hello, scale: {max: 8}}]}"),
                    Field(
                        "add", .any,
                        doc: "A part of `spec` that the base has not: its lists are appended to those of the base.",
                        example: "{targets: [{name: here, provider: local}]}"),
                ])), required: true, doc: "The base and what is changed in it.", example: "{base: ../../base}"),
    ])
}
