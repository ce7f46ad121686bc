import OsirisDiagnostics
import OsirisModel

/// The shape of a manifest: the one source for checking, the JSON Schema, `osiris schema` and `osiris explain`.
public enum ManifestSchema {
    /// The `apiVersion` this version reads.
    public static let apiVersion = "osiris.dev/v1"
    /// The `kind` this version reads.
    public static let kind = "Cluster"

    /// The document as a whole. The targets' own keys come from `target(_:)`.
    public static let document = Schema([
        Field(
            "apiVersion", .choice([apiVersion]), required: true, doc: "The version of the manifest format.",
            example: apiVersion),
        Field("kind", .choice([kind]), required: true, doc: "What the document describes.", example: kind),
        Field(
            "metadata",
            .object(
                Schema([
                    Field(
                        "name", .name, required: true,
                        doc: "The cluster's name. Everything created carries it: a rename means new objects.",
                        example: "edge")
                ])), required: true, doc: "What identifies the cluster.", example: "{name: edge}"),
        Field("spec", .object(spec), required: true, doc: "What the cluster consists of.", example: "{}"),
    ])

    /// `spec`.
    public static let spec = Schema([
        Field(
            "variables", .map(of: .object(variable)),
            doc: "Values that differ from run to run, used as `${var.NAME}`.", example: "{region: {default: eu-1}}"),
        Field("hub", .object(hub), doc: "The hub that every machine runs.", example: "{port: 8080}"),
        Field(
            "functions", .list(of: .object(function)), doc: "The functions that are deployed to the hubs.",
            example: "[]"),
        Field(
            "state", .string,
            doc: "Where the state is: a path beside the manifest, `etcd://HOST:PORT/PREFIX`, `etcds://…` or "
                + "`s3://BUCKET/PREFIX`. Written plainly, without expressions: it is read before everything else.",
            example: "s3://bucket/edge"),
        Field("safety", .object(safety), doc: "What an apply must not do.", example: "{maxDeletes: 5}"),
        Field(
            "rollout", .object(rollout), doc: "How a change reaches machines that serve.",
            example: "{canary: 1, maxUnavailable: 25%}"),
        Field(
            "defaults", .object(Schema([])),
            doc: "What all targets of a provider have, by the provider's name; a target's own keys win.",
            example: "{local: {labels: {zone: a}}}"),
        Field(
            "targets", .list(of: .object(target(nil))), doc: "The places the cluster runs on, each with its machines.",
            example: "[{name: here, provider: local}]"),
        Field(
            "moved", .list(of: .object(moved)),
            doc: "What had another name before: it is renamed and goes on, instead of being deleted and made anew.",
            example: "[{from: use1, to: us-east}]"),
    ])

    /// One entry of `spec.moved`.
    static let moved = Schema([
        Field(
            "from", .string, required: true,
            doc: "The name before: a target `rack-a`, a function `demo/hello`, or a resource `rack-a/host.n1`.",
            example: "rack-a/host.n1"),
        Field("to", .string, required: true, doc: "The name now, in the same form.", example: "rack-a/host.db1"),
    ])

    /// One entry of `spec.variables`.
    public static let variable = Schema([
        Field(
            "type", .choice(VariableType.allCases.map(\.rawValue)), default: "string",
            doc: "The type of the value. A value from the command line, the environment or a file is converted to it.",
            example: "int"),
        Field(
            "default", .any, doc: "The value when no other source has one; of the variable's type.", example: "eu-1"),
        Field(
            "secret", .bool, default: false,
            doc:
                "A secret is never printed or stored in the clear, and may stand only in `env`, `secrets` and `alerts`.",
            example: "true"),
        Field(
            "from", .string,
            doc: "Where the value comes from: `env:NAME` for an environment variable, `file:PATH` for a file's text.",
            example: "env:API_KEY"),
    ])

    /// `spec.hub`.
    public static let hub = Schema([
        Field(
            "image", .string, doc: "The hub's image reference with its digest. Excludes `archive`.",
            example: "registry.example/osiris-hub@sha256:\(String(repeating: "0", count: 64))"),
        Field(
            "archive", .path(mustExist: .file), doc: "An image archive beside the manifest. Excludes `image`.",
            example: "dist/osiris-hub.tar"),
        Field(
            "port", .int(1...65535), default: 8080, doc: "The TCP port the hub listens on, 1-65535.", example: "8080"),
        Field(
            "alerts", .list(of: .object(alert)), doc: "Whom the hub tells when something is wrong.",
            example: "[{url: \"https://hooks.example.com/osiris\", on: [crash-loop]}]"),
        Field(
            "tls", .bool,
            doc:
                "Whether hubs speak TLS, with certificates of the cluster's own authority. When absent, all do but those "
                + "that listen on 127.0.0.1 only.", example: "true"),
        Field(
            "settings", .object(HubSpec.settings), doc: "What hubs do otherwise than without a word.",
            example: "{rates: {token: {perSecond: 50}}}"),
    ])

    /// One entry of `spec.hub.alerts`.
    static let alert = Schema([
        Field(
            "url", .string, required: true,
            doc: "The `http` or `https` URL that each alert is POSTed to as JSON; may come from a secret variable.",
            example: "https://hooks.example.com/osiris"),
        Field(
            "secret", .string, secret: true,
            doc: "The key of the signature in `X-Osiris-Signature`; no signature when absent.",
            example: "${var.hookSecret}"),
        Field(
            "on", .list(of: .choice(HubSpec.Alert.kinds)), default: .list(HubSpec.Alert.kinds.map(Value.string)),
            doc: "What is told.", example: "[crash-loop, not-ready]"),
        Field(
            "errorRate", .object(errorRate), doc: "When errors of a function are too many.",
            example: "{percent: 10, window: 5m, least: 50}"),
    ])

    private static let errorRate = Schema([
        Field(
            "percent", .int(1...100), default: 5, doc: "From this share of failed calls on, 1-100.", example: "10"),
        Field(
            "window", .duration, default: 300_000, doc: "Over so long, `1m` to `1h`; counted in whole minutes.",
            example: "5m"),
        Field(
            "least", .int(1...Int.max), default: 20, doc: "With fewer calls in the window nothing is told.",
            example: "50"),
    ])

    /// `spec.safety`.
    public static let safety = Schema([
        Field(
            "maxDeletes", .int(0...Int.max),
            doc: "A plan that deletes more resources is refused; replacements count. No limit when absent.",
            example: "5"),
        Field(
            "protect", .list(of: .string), default: [],
            doc: "Globs over resource addresses that must not be deleted or replaced; `*` is any run of characters.",
            example: "[\"rack-a/*\"]"),
    ])

    /// `spec.rollout`.
    public static let rollout = Schema([
        Field(
            "canary", .int(0...Int.max), default: 1,
            doc: "How many machines go first, before all others; 0 for none.", example: "2"),
        Field(
            "maxUnavailable", .percentOrCount, default: "25%",
            doc:
                "How many machines of a target may be out of service at a time: a share of its machines, rounded down, "
                + "or a count. At least one goes.", example: "10%"),
        Field(
            "gate", .choice(RolloutSpec.Gate.allCases.map(\.rawValue)), default: "ready",
            doc: "When a machine has passed: `ready` waits for its functions and their smoke calls; `none` does not. A "
                + "hub is always waited for, because its functions are deployed to it.", example: "ready"),
        Field(
            "onFailure", .choice(RolloutSpec.OnFailure.allCases.map(\.rawValue)), default: "rollback",
            doc: "What happens when a machine fails: `rollback` puts it back and stops, `stop` leaves it as it is and "
                + "stops, `continue` goes on with the others while no more than `maxUnavailable` are broken.",
            example: "stop"),
        Field(
            "pause", .duration, default: 0,
            doc: "How long to wait after a machine has passed before another one takes its place.", example: "30s"),
    ])

    static let labels = Field(
        "labels", .map(of: .string), default: [:],
        doc: "Words about all machines of the target, such as their zone, for `placement.labels` of functions.",
        example: "{zone: a}")

    /// One entry of `spec.targets`: the common keys, and those of `kind`.
    public static func target(_ kind: TargetKind?) -> Schema {
        Schema(
            [
                Field(
                    "name", .name, required: true,
                    doc: "The target's name, unique in the cluster; the first part of its resources' addresses.",
                    example: "rack-a"),
                Field(
                    "provider", .string, required: true, doc: "The provider that makes the target's machines exist.",
                    example: kind?.provider ?? "local"),
                labels,
            ] + (kind?.schema.fields ?? []))
    }
}

/// Knowledge about single keys that a `Schema` cannot say, by path without indices and free keys.
enum ManifestRules {
    /// Codes for a wrong choice, where they are not the general one.
    static let choiceCodes: [String: DiagnosticCode] = ["apiVersion": .unsupportedVersion]
    /// Fields that take a secret but also plain values, by the path of their object.
    static let secretCapable: [String: Set<String>] = ["spec.functions": ["env"], "spec.hub.alerts": ["url"]]
    /// What may stand before `://` in `spec.state`.
    static let stateSchemes = ["etcd", "etcds", "s3"]
}
