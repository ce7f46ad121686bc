import OsirisModel

extension HubSpec {
    /// `spec.hub.settings`: what a hub does otherwise than without a word, in the form of its `hub.json`.
    public struct Settings: Sendable, Equatable {
        /// By the keys of `hub.json`: `rates`, `calls`, `callbacks`, `dependencies`, `engine`, `warm`.
        public var fields: [String: Value]

        public init(fields: [String: Value] = [:]) { self.fields = fields }

        /// The keys of `hub.json` that settings are in.
        public static let keys = HubSpec.settings.fields.map(\.name)

        /// - Parameter manifest: as `settings` of the manifest has it, checked by its schema.
        init(manifest: [String: Value]) {
            fields = manifest
            if let calls = manifest["calls"]?.mapValue {
                var told: [String: Value] = [:]
                told["resultHours"] = calls["keepResults"].map(Self.hours)
                told["recordHours"] = calls["keepRecords"].map(Self.hours)
                told["most"] = calls["most"]
                fields["calls"] = .map(told)
            }
            if let warm = manifest["warm"]?.mapValue {
                var told = warm
                told["bytes"] = told.removeValue(forKey: "memory")
                fields["warm"] = .map(told)
            }
            if let rates = manifest["rates"]?.mapValue {
                fields["rates"] = .map(
                    rates.mapValues { rate in .map((rate.mapValue ?? [:]).mapValues(Self.plain)) })
            }
        }

        private static func hours(_ milliseconds: Value) -> Value {
            plain(.double(Double(milliseconds.intValue ?? 0) / 3_600_000))
        }

        /// A whole number is written as one, and so read back as one.
        private static func plain(_ value: Value) -> Value {
            guard case .double(let number) = value, let whole = Int(exactly: number) else { return value }
            return .int(whole)
        }
    }

    /// The schema of `spec.hub.settings`.
    static let settings = Schema([
        Field(
            "rates",
            .object(
                Schema([
                    Field(
                        "token", .object(rate),
                        doc: "For each token without a rate of its own, but for the role admin.",
                        example: "{perSecond: 50, burst: 100}"),
                    Field(
                        "failures", .object(rate),
                        doc: "For requests of one address without a valid token; 1 per second, 20 at once when absent.",
                        example: "{perSecond: 1, burst: 20}"),
                ])), doc: "How much is let in; beyond it the answer is 429.",
            example: "{token: {perSecond: 50, burst: 100}}"),
        Field(
            "calls",
            .object(
                Schema([
                    Field(
                        "keepResults", .duration,
                        doc: "How long results of asynchronous calls are kept; `1h` when absent.",
                        example: "1h"),
                    Field(
                        "keepRecords", .duration, doc: "How long what became of calls is kept; `24h` when absent.",
                        example: "24h"),
                    Field(
                        "most", .int(1...Int.max), doc: "How many records are kept; 100000 when absent.",
                        example: "100000"),
                ])), doc: "What is kept of asynchronous calls.", example: "{keepResults: 12h}"),
        Field(
            "callbacks",
            .object(
                Schema([
                    Field(
                        "allow", .list(of: .string), required: true,
                        doc: "Names, names that begin with `*.`, addresses.",
                        example: "[hooks.example.com, \"*.inner.example\", 10.0.0.7]")
                ])), doc: "The only hosts that callbacks of asynchronous calls may go to; any when absent.",
            example: "{allow: [hooks.example.com]}"),
        Field(
            "dependencies",
            .object(
                Schema([
                    Field("pipIndex", .string, doc: "The index that pip asks.", example: "https://pypi.example/simple"),
                    Field(
                        "npmRegistry", .string, doc: "The registry that npm asks.", example: "https://npm.example"),
                ])), doc: "Where functions' dependencies come from; no secrets.",
            example: "{pipIndex: \"https://pypi.example/simple\"}"),
        Field(
            "engine",
            .object(
                Schema([
                    Field(
                        "socket", .string, required: true, doc: "Socket of the container engine.",
                        example: "/run/podman/podman.sock")
                ])), doc: "The engine for functions with `runtime: container`; looked for when absent.",
            example: "{socket: /run/podman/podman.sock}"),
        Field(
            "warm",
            .object(
                Schema([
                    Field(
                        "each", .int(0...16), doc: "Interpreters that wait for each runtime, 0-16; 1 when absent.",
                        example: "2"),
                    Field("most", .int(0...64), doc: "Altogether, 0-64; 8 when absent.", example: "8"),
                    Field("memory", .size, doc: "Memory they may have; `256Mi` when absent.", example: "256Mi"),
                ])), doc: "Interpreters that are started before a function needs one.", example: "{each: 2}"),
    ])

    private static let rate = Schema([
        Field(
            "perSecond", .number(0.001...1_000_000), required: true, doc: "Requests per second in the long run.",
            example: "50"),
        Field(
            "burst", .int(1...1_000_000), doc: "Requests at once; a second's worth when absent.", example: "100"),
    ])
}
