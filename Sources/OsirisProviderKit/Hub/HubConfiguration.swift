import OsirisManifest
import OsirisModel

/// What a hub is told in its `hub.json`.
public struct HubConfiguration: Sendable, Equatable {
    /// The hub's resource address.
    public var address: String
    public var cluster: String
    /// The IP address it listens on.
    public var host: String
    public var port: Int
    /// Names these arguments and the operation that brought them; the hub repeats it in `/system/info`.
    public var generation: String
    /// The digest of each role's token. Clear tokens are never in a file.
    public var tokens: Value
    /// Whom the hub tells of what, secrets in the clear; nil for nobody.
    public var alerts: Value?
    /// What it does otherwise than without a word, by key of `hub.json`.
    public var settings: [String: Value]
    /// Whether it speaks TLS, with key and certificate from `HubCertificate.file`.
    public var tls: Bool
    /// What a rebuild of a lost state needs; the hub passes it over. Nil for a hub of an osiris that left none.
    public var mark: HubMark?

    /// - Parameter host: 127.0.0.1 for a hub that only its own machine can reach.
    public init(
        address: String, cluster: String, host: String = "127.0.0.1", port: Int, generation: String, tokens: Value,
        alerts: Value? = nil, settings: [String: Value] = [:], tls: Bool = false, mark: HubMark? = nil
    ) {
        self.address = address
        self.cluster = cluster
        self.host = host
        self.port = port
        self.generation = generation
        self.tokens = tokens
        self.alerts = alerts
        self.settings = settings
        self.tls = tls
        self.mark = mark
    }

    /// Nil if `value` is not such a configuration.
    public init?(_ value: Value) {
        guard let fields = value.mapValue, let address = fields["address"]?.stringValue,
            let cluster = fields["cluster"]?.stringValue, let port = fields["port"]?.intValue,
            let generation = fields["generation"]?.stringValue,
            let tokens = fields["tokens"], tokens.listValue != nil
        else { return nil }
        self.init(
            address: address, cluster: cluster, host: fields["host"]?.stringValue ?? "127.0.0.1", port: port,
            generation: generation, tokens: tokens,
            alerts: fields["alerts"], settings: fields.filter { HubSpec.Settings.keys.contains($0.key) },
            tls: fields["tls"] != nil, mark: fields["osiris"].flatMap(HubMark.init))
    }

    public var value: Value {
        var fields: [String: Value] = [
            "address": .string(address), "cluster": .string(cluster), "host": .string(host), "port": .int(port),
            "generation": .string(generation), "tokens": tokens,
        ]
        fields["alerts"] = alerts
        fields.merge(settings) { own, _ in own }
        if tls { fields["tls"] = ["file": .string(HubCertificate.file)] }
        fields["osiris"] = mark?.value
        return .map(fields)
    }

    /// The attribute `settings` of a hub that was told this; nil for none.
    public var settingsFound: Value? { settings.isEmpty ? nil : .map(settings) }

    /// True if a hub that was told the other is told the same by this. The mark is not for the hub.
    public func tellsTheSame(as other: HubConfiguration?) -> Bool {
        var (mine, other) = (self, other)
        mine.mark = nil
        other?.mark = nil
        return mine == other
    }

    /// Equal for every try of one operation, different for any other.
    public static func generation(arguments: Attributes, operation: String) -> String {
        Digest.sha256(Value.list([.map(arguments), .string(operation)]).json())
    }
}
